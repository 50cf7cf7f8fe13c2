"""The optimizers of Keras, for polykeras."""
