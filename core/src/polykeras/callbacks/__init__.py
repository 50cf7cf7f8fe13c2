"""Callbacks, objects that `fit` tells what happens in training: core's own, and what distributions register."""

from polykeras import registry
from polykeras._faces import face

__getattr__, __dir__ = face(
    __name__,
    registry.callbacks,
    {
        "BackupAndRestore": "polykeras.saving.backup:BackupAndRestore",
        "BaseLogger": "polykeras.callbacks.records:BaseLogger",
        "CSVLogger": "polykeras.callbacks.csv_logger:CSVLogger",
        "Callback": "polykeras.callbacks.base:Callback",
        "CallbackList": "polykeras.callbacks.base:CallbackList",
        "EarlyStopping": "polykeras.callbacks.early_stopping:EarlyStopping",
        "History": "polykeras.callbacks.records:History",
        "LambdaCallback": "polykeras.callbacks.simple:LambdaCallback",
        "LearningRateScheduler": "polykeras.callbacks.learning_rate:LearningRateScheduler",
        "LiveCurve": "polykeras.callbacks.live_curve:LiveCurve",
        "ModelCheckpoint": "polykeras.callbacks.checkpoint:ModelCheckpoint",
        "Progbar": "polykeras.utils.progbar:Progbar",
        "ProgbarLogger": "polykeras.callbacks.progress:ProgbarLogger",
        "ReduceLROnPlateau": "polykeras.callbacks.learning_rate:ReduceLROnPlateau",
        "RemoteMonitor": "polykeras.callbacks.remote:RemoteMonitor",
        "TerminateOnNaN": "polykeras.callbacks.early_stopping:TerminateOnNaN",
        "standardize_input_data": "polykeras.engine.training_utils:standardize_input_data",
    },
)
