"""Every part of gateway.twisted_internals that the bench takes away is there, and the gateway runs without it."""

import subprocess
import sys

import pytest

from scripts.benchmark.rows.internals import ROWS
from scripts.benchmark.servers.without import PARTS
from tests.benchmark.test_bench import ROOT


@pytest.mark.parametrize("part", PARTS)
def test_the_gateway_runs_without_the_part(part: str) -> None:
    command = [sys.executable, "-m", "scripts.benchmark.servers.without", part, "--version"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr


def test_every_part_has_its_rows() -> None:
    assert set(ROWS) == set(PARTS)
