"""The Numba backend of polykeras."""
