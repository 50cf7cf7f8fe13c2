"""Run every check of the seed table as it is written, where `import keras` means polykeras.

    python seed_as_keras.py TABLE RESULTS

RESULTS gets a JSON object: the row's id -> what went wrong in each of its checks (an empty list: nothing). A check is
code; if it ends in an expression, that must be true. Each row runs on a fresh graph in an empty folder.
"""

import ast
import json
import os
import re
import sys
import tempfile
import warnings

import numpy as np

import polykeras

ROW = re.compile(r"\|\s*(S\d+)\s*\|")
SECTION = re.compile(r"^### (S\d+)(.*?)(?=^### |^## |\Z)", re.DOTALL | re.MULTILINE)
CODE = re.compile(r"```python\n(.*?)```", re.DOTALL)
OURS_ALONE = re.compile(r"^# polykeras only:", re.MULTILINE)
"""Before a check that real Keras fails and polykeras passes."""


def checks(table):
    """Each row's id and the texts of its checks."""
    found = {}
    for line in table.splitlines():
        row = ROW.match(line)
        if row:
            cell = re.split(r"(?<!\\)\|", line)[-2].replace("\\|", "|")
            found.setdefault(row[1], []).extend(a or b for a, b in re.findall(r"``(.+?)``|`([^`]+)`", cell))
    for row, text in SECTION.findall(table):
        found.setdefault(row, []).extend(CODE.findall(text))
    return found


def run(code, names):
    """Run a check; AssertionError where it ends in an expression that is false."""
    tree = ast.parse(OURS_ALONE.sub("", code).strip())
    last = tree.body.pop() if tree.body and isinstance(tree.body[-1], ast.Expr) else None
    exec(compile(tree, "a check", "exec"), names)  # noqa: S102  the table's own lines
    if last is not None:
        value = eval(compile(ast.Expression(last.value), "a check", "eval"), names)
        assert value is None or value, f"{ast.unparse(last)} is {value!r}"


def faults(row_checks, preamble, K):
    """What went wrong in the checks of one row, which share their names."""
    K.clear_session()
    np.random.seed(0)
    names, found = dict(preamble), []
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        for code in row_checks:
            try:
                run(code, names)
            except Exception as error:  # noqa: BLE001  a check may raise anything
                found.append(f"{type(error).__name__}: {error} << {code}")
        os.chdir("/")
    return found


def main(table_file, results_file):
    polykeras.install_as_keras()
    warnings.simplefilter("ignore")
    with open(table_file, encoding="utf-8") as file:
        table = file.read()
    preamble = {"__name__": "__main__"}
    exec(CODE.search(table.partition("## Preamble")[2])[1], preamble)  # noqa: S102
    results = {row: faults(row_checks, preamble, preamble["K"]) for row, row_checks in checks(table).items()}
    with open(results_file, "w", encoding="utf-8") as file:
        json.dump(results, file)


if __name__ == "__main__":
    main(*sys.argv[1:])
