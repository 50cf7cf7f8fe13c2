"""The progress bar fits where it is shown, and never raises."""

import io
from types import SimpleNamespace

import pytest

from polykeras.utils import progbar
from polykeras.utils.progbar import Progbar


class Terminal(io.StringIO):
    def isatty(self):
        return True


@pytest.fixture
def show_on(monkeypatch):
    """Make a stream the standard output that the bar sees; pytest keeps the real one for itself."""

    def use(stream):
        monkeypatch.setattr(progbar, "sys", SimpleNamespace(stdout=stream, modules={}))
        return stream

    return use


@pytest.fixture
def terminal(show_on):
    return show_on(Terminal())


@pytest.fixture
def log_file(show_on):
    return show_on(io.StringIO())


def run(bar, steps, values=lambda step: [("loss", 1.0)]):
    for step in range(1, steps + 1):
        bar.update(step, values(step))


def test_terminal_redraws_one_line(terminal):
    run(Progbar(20, interval=0), 20)
    text = terminal.getvalue()
    assert text.count("\n") == 1
    assert text.endswith("\n")
    assert "\b" not in text
    assert "10/20 [==============>...............] - ETA: 0s - loss: 1.0000" in text
    assert "20/20 [" + "=" * 30 + "] - 0s " in text
    assert text.split("\r")[-1].rstrip().endswith("us/step - loss: 1.0000")


def test_terminal_leaves_no_rest_of_a_longer_line(terminal):
    bar = Progbar(2, interval=0)
    bar.update(1, [("loss", 1.0), ("a_long_name", 1.0)])
    first = terminal.getvalue().split("\r")[-1]
    bar.update(2)
    assert len(terminal.getvalue().split("\r")[-1].rstrip("\n")) >= len(first.rstrip()) - 10
    shorter = Progbar(None, interval=0)
    shorter.update(10, [("loss", 123456789.0)])
    drawn = len(terminal.getvalue().split("\r")[-1])
    shorter._sums.clear()
    shorter._order.clear()
    shorter.update(11)
    assert len(terminal.getvalue().split("\r")[-1]) == drawn


def test_terminal_is_drawn_at_most_once_per_interval(terminal):
    run(Progbar(1000, interval=60), 1000)
    assert terminal.getvalue().count("\r") == 2  # the first step and the last


def test_unfinished_line_fits_the_terminal(terminal, monkeypatch):
    monkeypatch.setenv("COLUMNS", "50")
    Progbar(9, interval=0).update(1, [(f"metric_{i}", 1.0) for i in range(20)])
    assert len(terminal.getvalue().strip("\r")) == 49


def test_log_file_gets_one_line(log_file):
    run(Progbar(500), 500)
    text = log_file.getvalue()
    assert "\r" not in text
    assert "\b" not in text
    assert text.count("\n") == 1
    assert text.startswith("500/500 [" + "=" * 30 + "]")


def test_log_file_hears_of_long_epochs(log_file, monkeypatch):
    clock = iter(range(0, 100_000, 20))
    monkeypatch.setattr(progbar.time, "perf_counter", lambda: float(next(clock)))
    run(Progbar(6), 6)
    assert [line.split(" ")[0] for line in log_file.getvalue().splitlines()] == ["2/6", "4/6", "6/6"]


def test_verbose_2_is_one_line(log_file):
    run(Progbar(3, verbose=2), 3)
    assert log_file.getvalue() == " - 0s - loss: 1.0000\n"


def test_verbose_0_is_silent(log_file):
    run(Progbar(3, verbose=0), 3)
    assert log_file.getvalue() == ""


def test_values_are_averaged_over_steps_but_for_stateful_ones(log_file):
    bar = Progbar(10, verbose=2, stateful_metrics=["count"])
    bar.update(8, [("loss", 1.0), ("count", 3)])
    bar.update(10, [("loss", 6.0), ("count", 5)])
    assert log_file.getvalue() == " - 0s - loss: 2.0000 - count: 5\n"


def test_small_values_have_an_exponent(log_file):
    Progbar(1, verbose=2).update(1, [("loss", 0.0005)])
    assert "loss: 5.0000e-04" in log_file.getvalue()


def test_unknown_target(terminal):
    bar = Progbar(None, interval=0)
    bar.add(3, [("loss", 1.0)])
    assert "      3/Unknown - 0s " in terminal.getvalue()


def test_eta_in_hours_and_minutes(terminal, monkeypatch):
    clock = iter([0.0, 100.0, 100.0])
    monkeypatch.setattr(progbar.time, "perf_counter", lambda: next(clock))
    Progbar(100, interval=0).update(1)
    assert "ETA: 2:45:00" in terminal.getvalue()


def test_closed_stream(show_on):
    show_on(io.StringIO()).close()
    run(Progbar(3), 3)
    progbar.say("text")


def test_no_stream(show_on):
    show_on(None)
    run(Progbar(3), 3)


def test_broken_pipe(show_on):
    class Broken(io.StringIO):
        def write(self, text):
            raise BrokenPipeError

    show_on(Broken())
    run(Progbar(3), 3)


def test_stream_without_the_character(show_on):
    raw = io.BytesIO()
    show_on(io.TextIOWrapper(raw, encoding="ascii"))
    progbar.say("genauigkeit_ä: 1")
    assert raw.getvalue().strip() == b"genauigkeit_?: 1"
