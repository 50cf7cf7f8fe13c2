"""The callback TensorBoard; found by `polykeras.callbacks` through this distribution's entry point."""
