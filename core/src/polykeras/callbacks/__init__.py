"""Callbacks: objects that `fit` tells what happens in training."""

from polykeras._faces import lazy
from polykeras.callbacks.base import Callback, CallbackList, Logs, RunKeeper
from polykeras.callbacks.checkpoint import ModelCheckpoint
from polykeras.callbacks.csv_logger import CSVLogger
from polykeras.callbacks.early_stopping import EarlyStopping, TerminateOnNaN
from polykeras.callbacks.learning_rate import LearningRateScheduler, ReduceLROnPlateau
from polykeras.callbacks.progress import ProgbarLogger
from polykeras.callbacks.records import BaseLogger, History
from polykeras.callbacks.simple import LambdaCallback
from polykeras.utils.progbar import Progbar

# It writes files, which is a matter of saving, above this package.
__getattr__, _ = lazy(__name__, {"BackupAndRestore": "polykeras.saving.backup:BackupAndRestore"})

__all__ = [
    "BackupAndRestore",
    "BaseLogger",
    "CSVLogger",
    "Callback",
    "CallbackList",
    "EarlyStopping",
    "History",
    "LambdaCallback",
    "LearningRateScheduler",
    "Logs",
    "ModelCheckpoint",
    "Progbar",
    "ProgbarLogger",
    "ReduceLROnPlateau",
    "RunKeeper",
    "TerminateOnNaN",
]
