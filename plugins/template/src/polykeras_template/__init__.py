"""A stranger's plugin for polykeras."""
