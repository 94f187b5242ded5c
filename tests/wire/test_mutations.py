"""Damaged input raises nothing but the codec's own error. scripts/fuzz_wire does the same for as long as one likes."""

import random
import subprocess
from pathlib import Path

import pytest

from tests.wire import mutations

PIECES = 15_000


@pytest.mark.parametrize("seed", [4511, random.randrange(2**32)], ids=["fixed", "random"])
def test_damaged_input_raises_nothing_but_wire_errors(seed: int) -> None:
    print("seed", seed)  # pytest shows it when the test fails
    source = random.Random(seed)
    understood = 0
    for _ in range(PIECES):
        data = mutations.mutate(source)
        try:
            understood += mutations.read_in_every_way(data)
        except Exception as error:
            pytest.fail(f"seed {seed}: {error!r} for {data.hex()}")
    assert understood > PIECES // 4  # damage that nobody can read at all would prove little


def test_undamaged_input_is_understood() -> None:
    assert all(mutations.read_in_every_way(data) > 0 for data in mutations.CORPUS)


def test_the_script_does_the_same_and_prints_its_seed() -> None:
    script = Path(__file__).parents[2] / "scripts" / "fuzz_wire"
    command = [str(script), "--count", "2000", "--seed", "7", "--processes", "1"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stderr) == (0, "")
    assert "seed 7" in done.stdout
    assert "2,000 inputs" in done.stdout
