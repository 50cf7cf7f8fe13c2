"""within_one, a metric."""

from polykeras import backend as K


def within_one(y_true, y_pred):
    """The share of predictions that are off by 1 at most: for grades, stars, ages.   (batch, ..., n) -> (batch, ...)"""
    return K.mean(K.cast(K.abs(y_true - y_pred) <= 1, K.floatx()), axis=-1)
