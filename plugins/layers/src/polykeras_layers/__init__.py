"""The layers of Keras, for polykeras."""
