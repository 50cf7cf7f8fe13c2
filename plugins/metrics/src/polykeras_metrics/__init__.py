"""The metrics of Keras; found by `polykeras.metrics` through this distribution's entry points."""
