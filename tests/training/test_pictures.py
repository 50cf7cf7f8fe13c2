"""Pictures of models: the DOT text, and how Graphviz is asked for the rest."""

import os
import re
import stat
import sys
from pathlib import Path

import pytest

from polykeras.layers import Add, Dense, Input, TimeDistributed
from polykeras.models import Model, Sequential
from polykeras.utils import dot, plot_model
from polykeras.utils.vis_utils import model_to_dot


def residual():
    x = Input((4,), name="x")
    inner = Dense(4, name="inner")(x)
    return Model(x, Dense(2, name="head")(Add(name="sum")([x, inner])))


def boxes(text):
    """{name: label} of the boxes of a DOT text."""
    return dict(re.findall(r'^\s*"([^"]*)" \[label="((?:[^"\\]|\\.)*)"\];$', text, re.MULTILINE))


def arrows(text):
    return set(re.findall(r'^\s*"([^"]*)" -> "([^"]*)";$', text, re.MULTILINE))


def edges_of(model):
    """What leads to what, by the model's own config."""
    return {
        (inbound[0], layer["name"])
        for layer in model.get_config()["layers"]
        for node in layer["inbound_nodes"]
        for inbound in node
    }


class TestText:
    def test_layers_and_arrows(self):
        model = residual()
        text = model_to_dot(model).to_string()
        assert boxes(text) == {
            "x": "x: InputLayer",
            "inner": "inner: Dense",
            "sum": "sum: Add",
            "head": "head: Dense",
        }
        assert arrows(text) == edges_of(model)
        assert text.startswith("digraph") and text.count("{") == text.count("}") and "rankdir=TB" in text

    def test_a_stack_shows_its_input(self):
        text = model_to_dot(Sequential([Dense(3, input_shape=(4,), name="d1"), Dense(2, name="d2")])).to_string()
        assert arrows(text) == {("d1_input", "d1"), ("d1", "d2")}

    def test_shapes_classes_and_direction(self):
        text = model_to_dot(residual(), show_shapes=True, show_layer_names=False, rankdir="LR").to_string()
        assert boxes(text)["sum"] == "Add|{input:|output:}|{[(None, 4), (None, 4)]|(None, 4)}"
        assert boxes(text)["head"] == "Dense|{input:|output:}|{(None, 4)|(None, 2)}"
        assert "rankdir=LR" in text

    def test_a_layer_called_twice(self):
        one, other = Input((4,), name="one"), Input((4,), name="other")
        shared = Dense(4, name="shared")
        text = model_to_dot(Model([one, other], Add(name="sum")([shared(one), shared(other)])), True).to_string()
        assert arrows(text) == {("one", "shared"), ("other", "shared"), ("shared", "sum")}

    def test_a_layer_called_on_several_shapes(self):
        one, other = Input((4,), name="one"), Input((3, 4), name="other")
        shared = Dense(2, name="shared")
        label = boxes(model_to_dot(Model([one, other], [shared(one), shared(other)]), True).to_string())["shared"]
        assert label.endswith("{multiple|multiple}")

    def test_calls_outside_the_model_are_not_shown(self):
        model = residual()
        model.get_layer("inner")(Input((4,), name="elsewhere"))
        assert arrows(model_to_dot(model).to_string()) == edges_of(model)

    def test_wrapper(self):
        layer = TimeDistributed(Dense(2, name="inside"), input_shape=(3, 4), name="steps")
        assert "steps(inside): TimeDistributed(Dense)" in boxes(model_to_dot(Sequential([layer])).to_string()).values()

    def test_names_with_signs_that_mean_something_to_graphviz(self):
        x = Input((4,), name='a"b|{c}<d>\\')
        text = model_to_dot(Model(x, Dense(1, name="d")(x))).to_string()
        assert '"a\\"b|{c}<d>\\\\" -> "d";' in text
        assert '[label="a\\"b\\|\\{c\\}\\<d\\>\\\\: InputLayer"]' in text

    def test_unknown_direction(self):
        with pytest.raises(ValueError, match="'UP'.*TB, BT, LR, RL"):
            model_to_dot(residual(), rankdir="UP")

    def test_unbuilt(self):
        with pytest.raises(ValueError, match="input_shape"):
            model_to_dot(Sequential([Dense(2)]))


class TestNested:
    def nested(self):
        inner = Sequential([Dense(3, input_shape=(4,), name="a"), Dense(2, name="b")], name="inner")
        x = Input((4,), name="x")
        return Model(x, Dense(1, name="head")(inner(x)))

    def test_one_box(self):
        text = model_to_dot(self.nested()).to_string()
        assert boxes(text)["inner"] == "inner: Sequential"
        assert arrows(text) == {("x", "inner"), ("inner", "head")}

    def test_opened(self):
        text = model_to_dot(self.nested(), expand_nested=True).to_string()
        assert 'subgraph "cluster_inner" {' in text
        assert arrows(text) == {
            ("x", "inner/a_input"),
            ("inner/a_input", "inner/a"),
            ("inner/a", "inner/b"),
            ("inner/b", "head"),
        }
        assert {name for arrow in arrows(text) for name in arrow} == set(boxes(text))

    def test_opened_with_several_inputs_and_outputs(self):
        one, other = Input((2,), name="one"), Input((2,), name="other")
        inner = Model([one, other], [Dense(1, name="left")(other), Dense(1, name="right")(one)], name="inner")
        x, y = Input((2,), name="x"), Input((2,), name="y")
        left, right = inner([x, y])
        text = model_to_dot(Model([x, y], [Dense(1, name="p")(left), Dense(1, name="q")(right)]), expand_nested=True)
        found = arrows(text.to_string())
        assert {("x", "inner/one"), ("y", "inner/other"), ("inner/left", "p"), ("inner/right", "q")} <= found


@pytest.fixture
def graphviz(tmp_path, monkeypatch):
    """Make a stand-in for Graphviz's program: a script with this body."""

    def install(body):
        script = tmp_path / "bin" / "dot"
        script.parent.mkdir()
        script.write_text(f"#!{sys.executable}\nimport sys, time\n{body}\n")
        script.chmod(script.stat().st_mode | stat.S_IXUSR)
        monkeypatch.setenv("PATH", str(script.parent))

    return install


@pytest.fixture
def no_graphviz(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))


@pytest.mark.skipif(os.name != "posix", reason="the stand-in for Graphviz is a script")
class TestGraphviz:
    def test_it_gets_the_format_and_the_text(self, graphviz, tmp_path):
        graphviz("print(sys.argv[1:], sys.stdin.read())")
        model = residual()
        plot_model(model, tmp_path / "m.svg")
        assert (tmp_path / "m.svg").read_text().strip() == f"['-Tsvg'] {model_to_dot(model).to_string()}".strip()

    def test_a_name_without_ending_is_png(self, graphviz, tmp_path):
        graphviz("print(sys.argv[1])")
        plot_model(residual(), str(tmp_path / "picture"))
        assert (tmp_path / "picture").read_text() == "-Tpng\n"

    def test_what_it_complains_of_is_said(self, graphviz):
        graphviz("sys.exit('Format: \"xyz\" not recognized')")
        with pytest.raises(ValueError, match='as xyz: Format: "xyz" not recognized'):
            model_to_dot(residual()).create(format="xyz")

    def test_it_has_a_time_limit(self, graphviz, monkeypatch):
        graphviz("time.sleep(60)")
        monkeypatch.setattr(dot, "TIME_LIMIT", 0.2)
        with pytest.raises(TimeoutError, match="within 0.2 s"):
            model_to_dot(residual()).create()

    def test_a_notebook_shows_the_picture(self, graphviz):
        graphviz("print('<svg/>')")
        assert model_to_dot(residual())._repr_svg_() == "<svg/>\n"


class TestWithoutGraphviz:
    def test_text_needs_nothing(self, no_graphviz, tmp_path):
        model = residual()
        for name in ("m.dot", "m.gv"):
            plot_model(model, to_file=str(tmp_path / name))
            assert (tmp_path / name).read_text() == model_to_dot(model).to_string()
        model_to_dot(model).write(tmp_path / "raw")
        assert (tmp_path / "raw").read_text() == (tmp_path / "m.dot").read_text()

    def test_a_picture_says_what_to_install(self, no_graphviz, tmp_path):
        with pytest.raises(FileNotFoundError, match="apt install graphviz.*ends in '.dot'"):
            plot_model(residual(), str(tmp_path / "m.png"))
        assert not (tmp_path / "m.png").exists()

    def test_a_notebook_shows_the_text(self, no_graphviz):
        shown = model_to_dot(residual())
        assert shown._repr_svg_() is None and repr(shown).startswith("digraph")

    def test_a_format_is_a_word(self):
        with pytest.raises(ValueError, match="No format of pictures: 'png -o /tmp/x'"):
            model_to_dot(residual()).create(format="png -o /tmp/x")


def test_keras_1_spelling(tmp_path):
    from polykeras.utils.visualize_util import plot

    with pytest.warns(DeprecationWarning, match="plot_model"):
        plot(residual(), str(tmp_path / "m.dot"))
    assert Path(tmp_path / "m.dot").exists()
