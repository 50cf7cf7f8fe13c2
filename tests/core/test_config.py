"""Process-wide defaults and the configuration file."""

import json
import math

import pytest

from polykeras import config


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch):
    """An empty directory for the configuration file, and settings that are forgotten afterwards."""
    monkeypatch.setenv("POLYKERAS_HOME", str(tmp_path))
    monkeypatch.setattr(config, "_current", None)
    return tmp_path


def write(home, text):
    (home / "polykeras.json").write_text(text if isinstance(text, str) else json.dumps(text))


def test_built_in_values():
    assert (config.floatx(), config.epsilon(), config.image_data_format()) == ("float32", 1e-7, "channels_last")
    assert config.configured_backend() is None


def test_setters():
    config.set_floatx("float64")
    config.set_epsilon(1e-3)
    config.set_image_data_format("channels_first")
    assert (config.floatx(), config.epsilon(), config.image_data_format()) == ("float64", 1e-3, "channels_first")
    config.reload()
    assert config.floatx() == "float32"


@pytest.mark.parametrize("wrong", ["int8", "float", None, 32])
def test_other_float_types_are_refused(wrong):
    with pytest.raises(ValueError, match=f"Unknown floatx type: {wrong!r}"):
        config.set_floatx(wrong)
    assert config.floatx() == "float32"


@pytest.mark.parametrize("wrong", [-1e-7, math.inf, math.nan, "1e-7", None, True])
def test_other_epsilons_are_refused(wrong):
    with pytest.raises(ValueError, match="Unknown epsilon"):
        config.set_epsilon(wrong)
    assert config.epsilon() == 1e-7


@pytest.mark.parametrize("wrong", ["channels", "CHANNELS_LAST", None, 1])
def test_other_data_formats_are_refused(wrong):
    with pytest.raises(ValueError, match="Unknown data_format"):
        config.set_image_data_format(wrong)


def test_normalize_data_format():
    assert config.normalize_data_format("Channels_First") == "channels_first"
    assert config.normalize_data_format(None) == "channels_last"
    config.set_image_data_format("channels_first")
    assert config.normalize_data_format(None) == "channels_first"
    for wrong in ("last", 3):
        with pytest.raises(ValueError, match='one of "channels_first", "channels_last"'):
            config.normalize_data_format(wrong)


def test_the_file_is_read(home):
    write(home, {"floatx": "float16", "epsilon": 1e-4, "image_data_format": "channels_first", "backend": "numba"})
    assert (config.floatx(), config.epsilon(), config.image_data_format()) == ("float16", 1e-4, "channels_first")
    assert config.configured_backend() == "numba"


def test_the_file_may_say_part(home):
    write(home, {"epsilon": 1e-4})
    assert (config.floatx(), config.epsilon()) == ("float32", 1e-4)


def test_the_file_is_read_at_the_first_question_and_never_written(home):
    assert config.floatx() == "float32" and list(home.iterdir()) == []
    write(home, {"floatx": "float64"})
    assert config.floatx() == "float32"


@pytest.mark.parametrize(
    "content, words",
    [
        ("{", "not valid JSON"),
        ("[1]", "JSON object; found: list"),
        ({"floatx": "int8"}, "Unknown floatx type: 'int8'"),
        ({"epsilon": -1}, "Unknown epsilon: -1"),
        ({"backend": 3}, "Unknown backend: 3"),
        ({"flotx": "float32"}, "unknown key 'flotx'"),
    ],
)
def test_a_bad_file_is_an_error_that_names_it(home, content, words):
    write(home, content)
    with pytest.raises(ValueError, match="polykeras.json") as caught:
        config.floatx()
    assert words in str(caught.value)


def test_the_default_place_is_in_the_home_directory(monkeypatch, tmp_path):
    monkeypatch.delenv("POLYKERAS_HOME")
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    assert config.config_file() == tmp_path / ".polykeras" / "polykeras.json"


class TestBatchTimeout:
    def test_there_is_none_unless_set(self):
        assert config.batch_timeout() is None
        config.set_batch_timeout(2.5)
        assert config.batch_timeout() == 2.5
        config.set_batch_timeout(None)
        assert config.batch_timeout() is None

    @pytest.mark.parametrize("wrong", [0, -1, math.inf, math.nan, "soon", True])
    def test_other_values_are_refused(self, wrong):
        with pytest.raises(ValueError, match="Unknown batch_timeout"):
            config.set_batch_timeout(wrong)

    def test_the_environment_wins_over_the_file(self, home, monkeypatch):
        write(home, {"batch_timeout": 7})
        assert config.batch_timeout() == 7
        monkeypatch.setenv("POLYKERAS_BATCH_TIMEOUT", "60")
        config.reload()
        assert config.batch_timeout() == 60

    def test_a_wrong_environment_variable_is_named(self, monkeypatch):
        monkeypatch.setenv("POLYKERAS_BATCH_TIMEOUT", "soon")
        with pytest.raises(ValueError, match="POLYKERAS_BATCH_TIMEOUT.*'soon'"):
            config.batch_timeout()


def test_fast_convolution_is_off_unless_asked_for(monkeypatch):
    config.reload()
    monkeypatch.delenv("POLYKERAS_FAST_CONVOLUTION", raising=False)
    assert config.fast_convolution() is False
    config.set_fast_convolution(True)
    assert config.fast_convolution() is True
    with pytest.raises(ValueError, match="Expected True or False"):
        config.set_fast_convolution(1)
    for value, expected in (("1", True), ("0", False), ("", False)):
        monkeypatch.setenv("POLYKERAS_FAST_CONVOLUTION", value)
        config.reload()
        assert config.fast_convolution() is expected
    monkeypatch.setenv("POLYKERAS_FAST_CONVOLUTION", "yes")
    config.reload()
    with pytest.raises(ValueError, match="POLYKERAS_FAST_CONVOLUTION.*'yes'"):
        config.fast_convolution()


def test_threads_are_the_processors_unless_set(monkeypatch):
    monkeypatch.delenv("POLYKERAS_NUM_THREADS", raising=False)
    config.reload()
    assert config.num_threads() >= 1
    config.set_num_threads(3)
    assert config.num_threads() == 3
    config.set_num_threads(None)
    for wrong in (0, -1, 1.5, True, "many", 10**6):
        with pytest.raises(ValueError, match="Expected a whole number from 1"):
            config.set_num_threads(wrong)
    monkeypatch.setenv("POLYKERAS_NUM_THREADS", "5")
    config.reload()
    assert config.num_threads() == 5
    monkeypatch.setenv("POLYKERAS_NUM_THREADS", "all")
    config.reload()
    with pytest.raises(ValueError, match="POLYKERAS_NUM_THREADS.*'all'"):
        config.num_threads()
