"""The NumPy backend of polykeras."""
