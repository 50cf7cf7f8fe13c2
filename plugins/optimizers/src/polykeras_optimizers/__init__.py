"""The optimizers of Keras; found by `polykeras.optimizers` through this distribution's entry points."""
