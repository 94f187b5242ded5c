"""Law 2: a crash at any point repeats a batch or nothing. A short run of `scripts/kill`."""

import re
import subprocess
from pathlib import Path

import pytest

from tests.sync.process_kills import history
from tests.sync.synced_store import fresh_store

SCRIPT = Path(__file__).parents[2] / "scripts" / "kill"


@pytest.mark.parametrize("options", [[], ["--postgresql"]], ids=["sqlite", "postgresql"])
def test_law_2_a_process_killed_at_any_moment_leaves_whole_batches(options: list[str]) -> None:
    done = subprocess.run([str(SCRIPT), "--rounds", "20", *options], capture_output=True, text=True, check=False, timeout=100)
    assert done.returncode == 0, done.stderr[-3000:]
    counts = re.match(r"20 processes killed, (\d+) had committed something", done.stdout)
    assert counts, done.stdout
    assert int(counts.group(1)) > 0, "the processes died before they did anything: nothing was tested"


@pytest.mark.parametrize("seed", [1, 5])
def test_the_log_of_such_a_history_gives_the_present_state_after_every_batch(seed: int) -> None:
    with fresh_store() as store:
        for batch in history(seed):
            store.apply(*batch)
            assert store.replayed() == store.directory()
