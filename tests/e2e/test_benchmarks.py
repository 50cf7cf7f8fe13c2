"""The benchmarks run; what they measure is not judged here."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks.__main__ import _disagreements
from benchmarks.harness import Worker, WorkerError, contenders, summary, table
from benchmarks.workloads import WORKLOADS

ROOT = Path(__file__).resolve().parents[2]


def test_a_run_without_peers_writes_its_results(tmp_path):
    file = tmp_path / "results.json"
    options = ["--workloads", "tiny", "--backend", "numpy", "--peers", "", "--seconds", "0.1", "--rounds", "2"]
    ended = subprocess.run(
        [sys.executable, "-m", "benchmarks", *options, "--json", str(file)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert ended.returncode == 0, ended.stderr
    results = json.loads(file.read_text())
    tiny = results["workloads"]["tiny"]
    assert tiny["disagree"] == [] and tiny["failed"] == {}
    assert 0 < tiny["times"]["polykeras:numpy"]["minimum"] <= tiny["times"]["polykeras:numpy"]["median"]
    assert tiny["peaks"]["polykeras:numpy"] > 1e6
    assert results["imports"]["polykeras"]["median"] > 0
    assert "| polykeras, numpy |" in ended.stdout


def test_the_loop_of_fit_is_measured(tmp_path):
    file = tmp_path / "results.json"
    ended = subprocess.run(
        [sys.executable, "-m", "benchmarks.fit", "--backend", "numpy", "--turns", "1", "--json", str(file)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert ended.returncode in (0, 1), ended.stderr  # how it turned out is not judged here
    seconds = json.loads(file.read_text())["backends"]["numpy"]
    assert {kind: len(found) for kind, found in seconds.items()} == {"bare": 20, "fit": 20, "bar": 20}
    assert all(one > 0 for found in seconds.values() for one in found)


def test_first_steps_are_measured(tmp_path):
    pytest.importorskip("numba", reason="polykeras-numba is not installed")
    file = tmp_path / "results.json"
    ended = subprocess.run(
        [sys.executable, "-m", "benchmarks.cold", "--workloads", "tiny", "--repeats", "1", "--json", str(file)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert ended.returncode == 0, ended.stderr
    seconds = json.loads(file.read_text())["seconds"]["tiny"]
    assert {kind: len(found) for kind, found in seconds.items()} == {"cold": 1, "warm": 1, "numpy": 1}
    assert "| tiny " in ended.stdout


def test_absent_frameworks_and_interpreters_are_told():
    absent = {one.name: one.absent for one in contenders(["nonesuch"], ["torch"], "/nowhere/python")}
    assert "not installed: polykeras_nonesuch" in absent["polykeras:nonesuch"]
    assert "/nowhere/python" in absent["torch"]


def test_a_worker_that_dies_says_why(monkeypatch):
    monkeypatch.setenv("POLYKERAS_BACKEND", "numpy")
    (one,) = contenders(["numpy"], [], sys.executable)
    with Worker(one, "nonesuch", threads=None) as worker, pytest.raises(WorkerError, match="KeyError: 'nonesuch'"):
        worker.ready()


def test_disagreeing_losses_are_found():
    truth = [2.0, 2.0, 1.9, 1.8]
    tiny, mlp, resnet = (WORKLOADS[name] for name in ("tiny", "mlp", "resnet"))
    assert _disagreements(tiny, {"a": truth, "b": truth}, truth) == []
    assert "b: loss 2" in _disagreements(tiny, {"a": truth, "b": [2.0, 2.0, 1.95, 1.8]}, truth)[0]
    assert _disagreements(mlp, {"b": [2.0, 2.1, 1.95, 1.8]}, truth) == []
    nan = float("nan")
    assert _disagreements(mlp, {"b": [2.0, nan, nan, nan]}, truth)
    assert "b: loss 3" in _disagreements(resnet, {"b": [6.9, 0.1, 0.1, 0.2]}, [6.9, 0.1, 0.1, 0.1])[0]


def test_tables_and_summaries():
    assert table([["a", "n"], ["bc", "10"]]) == "| a  |  n |\n| -- | -: |\n| bc | 10 |"
    assert summary([[0.003, 0.001], [0.002]]) == {
        "median": 2.0,
        "minimum": 1.0,
        "quartile1": 1.0,
        "quartile3": 3.0,
        "steps": 3,
    }
