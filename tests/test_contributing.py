"""What .github/CONTRIBUTING.md names is there."""

import os
import re
from pathlib import Path

ROOT = Path(__file__).parent.parent
TEXT = (ROOT / ".github" / "CONTRIBUTING.md").read_text()
MADE_UP = re.compile(r"KIND|NNNN|\ba/b/")


def test_every_file_and_folder_that_is_named_is_there() -> None:
    named = set(re.findall(r"`((?:gateway|tests|conf|scripts)/[\w./]+)`", TEXT))
    assert len(named) > 20
    assert {name for name in named if not MADE_UP.search(name) and not (ROOT / name).exists()} == set()


def test_every_program_that_is_named_can_be_run() -> None:
    for program in set(re.findall(r"\bscripts/\w+", TEXT)):
        assert os.access(ROOT / program, os.X_OK), program
