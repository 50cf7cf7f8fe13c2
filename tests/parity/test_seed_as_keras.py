"""The seed table's checks run unchanged under `install_as_keras()`: one process for all rows, one test for each."""

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.parity.golden import REFERENCE

TABLE = REFERENCE / "seed_table.md"
LATER = {"applications", "gpu"}
"""Marks of rows that wait for their milestone."""
APART = {
    "S066": "the data sets are not part of polykeras yet",
    "S149": "TensorFlow counted Nadam's step before it read the count: test_seed_training.py has the numbers",
    "S178": "TensorBoard's plugin needs a package that the tests may lack",
}


def rows():
    """The ids of the rows that are tested here."""
    text = TABLE.read_text(encoding="utf-8") if TABLE.is_file() else ""
    marked = re.findall(r"^(?:\| |### )(S\d+) (?:\||·) \[(\w+)\]", text, re.MULTILINE)
    return [row for row, mark in marked if mark not in LATER and row not in APART]


@pytest.fixture(scope="module")
def faults(tmp_path_factory):
    """What went wrong in each row."""
    results = tmp_path_factory.mktemp("seed") / "results.json"
    runner = Path(__file__).with_name("seed_as_keras.py")
    done = subprocess.run(
        [sys.executable, str(runner), str(TABLE), str(results)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return json.loads(results.read_text())


@pytest.mark.parametrize("row", rows())
def test_row(row, faults):
    assert faults[row] == []
