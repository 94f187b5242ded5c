"""The bench runs from beginning to end; the numbers do not matter here, that both sides found the same does."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from click import BadParameter

from scripts.benchmark.__main__ import LARGE, MEASUREMENTS, ONLY_WHEN_NAMED, chosen

ROOT = Path(__file__).parents[2]
SMALL = ["--people=300", "--seconds=0.1", "--repeats=1", "--changes=5", "--idle-connections=50", "--slow-readers=5"]
ROWS = "equality,filters,groups,in-chain,substring,paged,tls,pass-through,change,idle,slow-readers"


@pytest.mark.parametrize("chosen_rows", [ROWS, "domain"])
def test_the_bench_measures_what_it_is_asked_for_and_says_so_twice(tmp_path: Path, chosen_rows: str) -> None:
    results = tmp_path / "results.json"
    command = [sys.executable, "-m", "scripts.benchmark", *SMALL, f"--only={chosen_rows}", f"--json={results}"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=100)
    lines = done.stdout.splitlines()
    assert lines[0].startswith("| work"), done.stderr
    written = json.loads(results.read_text())
    assert written["failures"] == [], done.stderr
    assert len(written["rows"]) == len(lines) - 2
    assert all(row["gateway"] is not None for row in written["rows"])


def test_rows_are_chosen_by_name_and_keep_their_order() -> None:
    assert chosen("tls,equality", "", 1000) == ["equality", "tls"]
    assert chosen(None, "tls", 1000) == [name for name in MEASUREMENTS if name not in {"tls", *ONLY_WHEN_NAMED}]
    assert "cold-start" not in chosen(None, "", LARGE + 1)
    with pytest.raises(BadParameter, match="equalty is none of"):
        chosen("equalty", "", 1000)
