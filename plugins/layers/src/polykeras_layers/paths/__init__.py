"""The modules in which Keras keeps its layers: what `polykeras.layers.core` and its like are.

Each has Keras's names for `import *`, and what Keras's module imports from elsewhere, and so shows. A layer that Keras
keeps in another one is found all the same: scripts are of many versions.
"""
