"""What Keras keeps in one module about data: `Sequence`, enqueuers, files from the network."""

from polykeras.utils.downloads import get_file, validate_file
from polykeras.utils.enqueuers import GeneratorEnqueuer, OrderedEnqueuer, SequenceEnqueuer
from polykeras.utils.progbar import Progbar
from polykeras.utils.sequence import Sequence
from polykeras.utils.shared_sequences import get_index, init_pool, init_pool_generator, next_sample

__all__ = [
    "GeneratorEnqueuer",
    "OrderedEnqueuer",
    "Progbar",
    "Sequence",
    "SequenceEnqueuer",
    "get_file",
    "get_index",
    "init_pool",
    "init_pool_generator",
    "next_sample",
    "validate_file",
]
