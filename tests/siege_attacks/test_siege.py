"""The siege measures what it says: a short attack on a real gateway, and what counts as damage."""

from __future__ import annotations

import subprocess
from pathlib import Path

from scripts.siege_attacks.probe import Noticed
from scripts.siege_attacks.siege import Damage

ROOT = Path(__file__).parents[2]


def test_a_short_siege_prints_a_row_for_nobody_and_one_for_the_attack() -> None:
    command = ["scripts/siege", "--seconds", "0.5", "--only", "connect and leave"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=100)
    rows = [line.split(" | ")[0].strip("| ") for line in done.stdout.splitlines() if line.startswith("|")]
    assert rows == ["attack", "---|---|---|---|---|---|---|---", "(nobody attacks)", "connect and leave"], done.stderr


def test_an_attack_that_is_not_there_is_named_with_those_that_are() -> None:
    done = subprocess.run(["scripts/siege", "--only", "trebuchet"], cwd=ROOT, capture_output=True, text=True, timeout=100)
    assert done.returncode == 2
    assert "long bind names" in done.stderr


def test_damage_is_late_searches_refused_passwords_memory_log_lines_or_an_end() -> None:
    well = Damage("x", Noticed(searches=[0.001] * 100), 10.0, 0.0, True)
    assert well.failures == []
    hurt = Damage("x", Noticed(searches=[0.03] * 100, failed_searches=1, refused={"51": 1}), 65.0, 20_000.0, False)
    assert len(hurt.failures) == 6
