"""Whole image classifiers of Keras, for polykeras."""
