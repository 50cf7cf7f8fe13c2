"""The benchmarks run; what they measure is not judged here."""

import json
import os
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree

import pytest

from benchmarks.__main__ import _disagreements
from benchmarks.flops import step_flops
from benchmarks.harness import Worker, WorkerError, contenders, summary, table
from benchmarks.picture import main as draw
from benchmarks.workloads import WORKLOADS

ROOT = Path(__file__).resolve().parents[2]


def run(module, *arguments):
    return subprocess.run(
        [sys.executable, "-m", module, *arguments],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=180,
        check=False,
    )


def test_a_run_without_peers_writes_its_results(tmp_path):
    file = tmp_path / "results.json"
    options = ["--workloads", "tiny", "--backend", "numpy", "--peers", "", "--seconds", "0.1", "--rounds", "2"]
    ended = run("benchmarks", *options, "--json", str(file))
    assert ended.returncode == 0, ended.stderr
    results = json.loads(file.read_text())
    tiny = results["workloads"]["tiny"]
    assert tiny["disagree"] == [] and tiny["failed"] == {}
    assert 0 < tiny["times"]["polykeras:numpy"]["minimum"] <= tiny["times"]["polykeras:numpy"]["median"]
    assert tiny["peaks"]["polykeras:numpy"] > 1e6
    assert 0 < tiny["shares_of_peak"]["polykeras:numpy"] < 1 < results["peak_flops"]
    assert results["imports"]["polykeras"]["median"] > 0
    assert "| polykeras, numpy |" in ended.stdout


def test_the_loop_of_fit_is_measured(tmp_path):
    file = tmp_path / "results.json"
    ended = run("benchmarks.fit", "--backend", "numpy", "--turns", "1", "--json", str(file))
    assert ended.returncode in (0, 1), ended.stderr  # how it turned out is not judged here
    seconds = json.loads(file.read_text())["backends"]["numpy"]
    assert {kind: len(found) for kind, found in seconds.items()} == {"bare": 20, "fit": 20, "bar": 20}
    assert all(one > 0 for found in seconds.values() for one in found)


def test_first_steps_are_measured(tmp_path):
    pytest.importorskip("numba", reason="polykeras-numba is not installed")
    file = tmp_path / "results.json"
    ended = run("benchmarks.cold", "--workloads", "tiny", "--repeats", "1", "--json", str(file))
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


def test_arithmetic_is_counted():
    """By hand, and the published counts of multiplications of VGG16 and ResNet-50."""
    flops = {name: step_flops(workload) for name, workload in WORKLOADS.items()}
    assert flops["tiny"] == 32 * 2 * (2 * 16 * 32 + 3 * 32 * 10)
    assert flops["lstm"] == 32 * 3 * 2 * (80 * 256 * 512 + 128 * 2)
    assert flops["vgg"] / 2 == pytest.approx(15.5e9, rel=0.01)
    assert flops["resnet"] / 2 == pytest.approx(3.86e9, rel=0.02)
    assert flops["resnet_8"] == 8 * flops["resnet"]
    block = 4 * 128 * 256**2 + 2 * 128**2 * 256 + 2 * 128 * 256 * 1024
    assert flops["transformer"] == 16 * 3 * 2 * (4 * block + 256 * 10)


def test_the_picture_shows_every_ratio(tmp_path):
    times = {"polykeras:numba": {"median": 2.0}, "torch": {"median": 4.0}, "tf": {"median": 10.0}}
    results = {
        "machine": {"cpu": "A & B", "cpus": 2, "time": "2026-01-02T03:04:05Z"},
        "threads": None,
        "workloads": {"tiny": {"times": times}, "alone": {"times": {"polykeras:numba": {"median": 1.0}}}},
    }
    file, out = tmp_path / "results.json", tmp_path / "out.svg"
    file.write_text(json.dumps(results))
    assert draw([str(file), str(out)]) == 0
    texts = [element.text for element in ElementTree.fromstring(out.read_text()).iter() if element.text]
    assert "A & B, all 2 cores, 2026-01-02" in texts
    assert {"0.50", "1.00", "2.50", "tiny", "polykeras:numba: 0.500", "tf: 2.500"} <= set(texts)
    assert "alone" not in texts

    del results["workloads"]["tiny"]
    file.write_text(json.dumps(results))
    assert draw([str(file), str(out)]) == 1


@pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="this system cannot tie a process to a core")
def test_a_spinning_process_is_told_from_quiet_cores(tmp_path):
    pytest.importorskip("polykeras_numba", reason="polykeras-numba is not installed")
    file = tmp_path / "results.json"
    options = ["--workload", "tiny", "--peers", "", "--seconds", "0.2", "--rounds", "2", "--json", str(file)]
    ended = subprocess.run(
        [sys.executable, "-m", "benchmarks.spinning", *options],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=180,
        check=False,
    )
    assert ended.returncode in (0, 1), ended.stderr  # how it turned out is not judged here
    results = json.loads(file.read_text())
    quiet, beside = (results[kind]["polykeras:numba"]["median"] for kind in ("quiet", "spinning"))
    assert results["ratios"] == {"polykeras:numba": pytest.approx(beside / quiet)}
    assert "| polykeras, numba |" in ended.stdout
