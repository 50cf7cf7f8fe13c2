"""The metrics of Keras, for polykeras."""
