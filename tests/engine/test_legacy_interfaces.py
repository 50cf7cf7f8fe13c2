"""Other spellings of the API."""

import inspect
import warnings

import pytest

from polykeras.legacy.interfaces import later, rename, respell, unknown_keyword


def _from_sides(args, kwargs):
    if "rows" not in kwargs:
        return None
    kwargs["size"] = (kwargs.pop("rows"), kwargs.pop("columns"))
    return args, kwargs


class Dense:
    @rename(output_dim="units", bias="use_bias")
    @later(learning_rate="lr")
    def __init__(self, units, use_bias=True, lr=1.0):
        self.given = (units, use_bias, lr)


@respell(values={"format": {"tf": "channels_last"}}, keras1={"dim_ordering": "format"}, convert=_from_sides)
def pool(x, size=2, format=None):
    return x, size, format


def test_old_spelling_is_understood_and_told_at_the_callers_line():
    with pytest.warns(DeprecationWarning, match="Update your") as got:
        made = Dense(output_dim=4, bias=False)
    line = inspect.currentframe().f_lineno - 1
    assert made.given == (4, False, 1.0)
    assert str(got[0].message) == "Update your `Dense` call to the Keras 2 API: `Dense(units=4, use_bias=False)`"
    assert (got[0].filename, got[0].lineno) == (__file__, line)


def test_new_and_later_spellings_are_silent():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert Dense(4, lr=2.0).given == Dense(4, learning_rate=2.0).given == (4, True, 2.0)


def test_two_spellings_of_one_argument():
    with pytest.raises(TypeError, match="`Dense` got `output_dim` and `units`"):
        Dense(units=4, output_dim=4)
    with pytest.raises(TypeError, match="`learning_rate` and `lr`"):
        Dense(4, lr=1.0, learning_rate=1.0)
    with pytest.raises(TypeError, match="units"), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        Dense(4, output_dim=4)


def test_values_and_conversions():
    with pytest.warns(DeprecationWarning, match=r'`pool\(1, format="channels_last"\)`'):
        assert pool(1, dim_ordering="tf") == (1, 2, "channels_last")
    with pytest.warns(DeprecationWarning, match=r"size=\(3, 4\)"):
        assert pool(1, rows=3, columns=4) == (1, (3, 4), None)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert pool(1, format="channels_first") == (1, 2, "channels_first")


def test_the_signature_stays():
    assert list(inspect.signature(Dense.__init__).parameters) == ["self", "units", "use_bias", "lr"]
    assert pool._original_function.__name__ == "pool"


def test_long_arguments_are_shortened():
    with pytest.warns(DeprecationWarning, match="Update your") as got:
        pool(list(range(1000)), dim_ordering="tf")
    assert len(str(got[0].message)) < 150


def test_unknown_keywords():
    assert "did you mean `units`?" in str(unknown_keyword("unit", "Dense", ["units", "use_bias"]))
    assert "it takes: units" in str(unknown_keyword("zzz", "Dense", ["units"]))
