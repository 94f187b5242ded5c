"""Each law that gateway/__init__.py gives a number is held by tests that are named after it."""

from __future__ import annotations

import re
from pathlib import Path

import gateway

TESTS = Path(__file__).parent
NOT_YET = {6: "nothing is pushed and no directory is provisioned yet"}


def laws() -> list[int]:
    text = (gateway.__doc__ or "").partition("The laws\n")[2].partition("The words\n")[0]
    return [int(number) for number in re.findall(r"^ ?(\d+)\. ", text, re.MULTILINE)]


def tested() -> set[int]:
    found: set[int] = set()
    for path in TESTS.rglob("test_*.py"):
        found |= {int(number) for number in re.findall(r"^(?:async )?def test_law_(\d+)_", path.read_text(), re.MULTILINE)}
    return found


def test_the_laws_are_numbered_without_a_gap() -> None:
    assert laws() == list(range(1, len(laws()) + 1))
    assert len(laws()) >= 17


def test_each_law_has_a_test_of_its_name() -> None:
    untested = set(laws()) - tested()
    assert not untested - NOT_YET.keys(), "name a test after it, or say in NOT_YET why there is none"
    assert not NOT_YET.keys() - untested, "it has a test now: take it out of NOT_YET"


def test_no_test_is_named_after_a_law_that_there_is_not() -> None:
    assert tested() <= set(laws())
