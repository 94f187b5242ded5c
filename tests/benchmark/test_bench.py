"""The bench runs from beginning to end; the numbers do not matter here."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_the_bench_measures_a_slapd_replica_in_the_gateways_place() -> None:
    small = ["--people=300", "--groups=5", "--members=20", "--seconds=0.1", "--repeats=1", "--changes=5"]
    command = [sys.executable, "-m", "scripts.benchmark", "--slapd-only", *small]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=100)
    lines = done.stdout.splitlines()
    assert lines[0].startswith("| work"), done.stderr
    assert [line for line in lines if "whole subtree, all attributes (entries/s)" in line]
    assert [line for line in lines if "change in slapd readable" in line and "reached" in line]
