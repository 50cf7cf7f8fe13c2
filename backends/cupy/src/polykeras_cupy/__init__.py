"""The CuPy backend of polykeras."""
