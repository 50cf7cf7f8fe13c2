"""The table of layers."""

import pytest

from polykeras.engine.topology import Input
from polykeras.models import Model, Sequential
from polykeras.utils.layer_utils import print_summary
from tests.engine.tiny_layers import Affine, Double, Plus


def lines(model, **kwargs):
    got = []
    model.summary(print_fn=got.append, **kwargs)
    return got


def test_a_stack():
    m = Sequential([Affine(3, input_shape=(4,), name="d1"), Affine(2, name="d2")])
    got = lines(m)
    assert len(got) == 11
    assert got[0] == "_" * 65 and got[2] == "=" * 65
    assert got[1].rstrip() == "Layer (type)                 Output Shape              Param #"
    assert got[3].rstrip() == "d1 (Affine)                  (None, 3)                 15"
    assert got[-4:] == ["Total params: 23", "Trainable params: 23", "Non-trainable params: 0", "_" * 65]


def test_printed_by_default(capsys):
    m = Sequential([Affine(3, input_shape=(4,))])
    m.summary()
    print_summary(m)
    printed = capsys.readouterr().out
    half = printed[: len(printed) // 2]
    assert printed == half * 2 and "Total params: 15" in half


def test_a_chain_has_three_columns_and_a_branching_model_four():
    x = Input((4,), name="in")
    assert len(lines(Model(x, Affine(2)(x)))[0]) == 65
    got = lines(Model(x, Plus(name="sum")([Affine(2, name="a")(x), Affine(2, name="b")(x)])))
    assert len(got[0]) == 98 and got[1].rstrip().endswith("Connected to")
    assert any(line.rstrip().endswith("in[0][0]") for line in got)
    row = next(i for i, line in enumerate(got) if line.startswith("sum (Plus)"))
    assert got[row].rstrip().endswith("a[0][0]") and got[row + 1].split() == ["b[0][0]"]


def test_a_layer_called_twice_is_no_chain():
    x = Input((4,))
    layer = Double()
    assert len(lines(Model(x, layer(layer(x))))[0]) == 98


def test_long_names_are_cut_to_their_column():
    m = Sequential([Affine(3, input_shape=(4,), name="a_name_that_is_much_too_long_for_it")])
    assert lines(m)[3][:30] == "a_name_that_is_much_too_long ("


def test_counts_have_thousands_and_freezing_shows():
    x = Input((100,))
    frozen = Affine(100, trainable=False)
    got = lines(Model(x, Affine(10)(frozen(x))))
    assert got[-4:-1] == ["Total params: 11,110", "Trainable params: 1,010", "Non-trainable params: 10,100"]


def test_own_widths():
    m = Sequential([Affine(3, input_shape=(4,))])
    assert len(lines(m, line_length=100)[0]) == 100
    assert lines(m, positions=[20, 40, 60])[3].rstrip() == "affine_1 (Affine)   (None, 3)           15"


def test_shapes_that_differ_are_multiple():
    layer = Double()
    layer(Input((3,)))
    x = Input((4,))
    assert any("multiple" in line for line in lines(Model(x, layer(x))))


def test_unbuilt():
    with pytest.raises(ValueError, match="not yet been built"):
        Sequential([Affine(2)]).summary()


def test_a_model_within_is_a_row_with_its_sums():
    inner = Sequential([Affine(3, input_shape=(4,), name="a"), Affine(2, name="b")], name="inner")
    x = Input((4,), name="in")
    got = lines(Model(x, Affine(1, name="head")(inner(x))))
    rows = [line.split() for line in got if line.startswith(("in ", "inner", "head"))]
    assert rows[1] == ["inner", "(Sequential)", "(None,", "2)", "23"]
    assert got[-4] == "Total params: 26"  # each weight once


def test_lines_go_to_the_function_given_and_nowhere_else(capsys):
    m = Sequential([Affine(3, input_shape=(4,))])
    got = []
    print_summary(m, line_length=80, positions=[0.5, 0.75, 1.0], print_fn=got.append)
    assert capsys.readouterr().out == ""
    assert got[3].index("(None, 3)") == 40 and got[3].index("15") == 60
    assert {len(line) for line in got if set(line) <= {"_", "="}} == {80}
