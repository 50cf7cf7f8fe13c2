"""Older spellings of the API, and what is done about them."""
