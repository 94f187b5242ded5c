"""Law 2: a crash at any point repeats a batch or nothing. A short run of `scripts/kill`."""

import re
import subprocess
from pathlib import Path

import pytest

from tests.sync.process_kills import Tally, history
from tests.sync.synced_store import fresh_store

SCRIPT = Path(__file__).parents[2] / "scripts" / "kill"


@pytest.mark.parametrize("options", [[], ["--postgresql"]], ids=["sqlite", "postgresql"])
def test_law_2_a_process_killed_at_any_moment_leaves_whole_batches(options: list[str]) -> None:
    done = subprocess.run([str(SCRIPT), "--rounds", "20", *options], capture_output=True, text=True, check=False, timeout=100)
    assert done.returncode == 0, done.stderr[-3000:]
    assert re.match(r"\d+ processes killed, \d+ of them between two commits, \d+ histories finished: all well", done.stdout)


@pytest.mark.parametrize(("tally", "shows"), [(Tally(30, 1), False), (Tally(0, 0), False), (Tally(30, 15), True)])
def test_a_run_whose_kills_met_no_work_has_shown_nothing_and_says_so(tally: Tally, shows: bool) -> None:
    assert (tally.complaint() == "") == shows
    assert shows or f"only {tally.between} of {tally.deaths} kills" in tally.complaint()


@pytest.mark.parametrize("seed", [1, 5])
def test_the_log_of_such_a_history_gives_the_present_state_after_every_batch(seed: int) -> None:
    with fresh_store() as store:
        for batch in history(seed):
            store.apply(*batch)
            assert store.replayed() == store.directory()
