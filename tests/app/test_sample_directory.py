"""The sample directory that `scripts/demo` serves."""

from __future__ import annotations

from pathlib import Path

from scripts import sample_directory

SAMPLE = Path(__file__).parents[2] / "conf" / "sample" / "directory.ldif"


def test_the_sample_directory_is_what_its_generator_writes() -> None:
    assert SAMPLE.read_text("utf-8") == sample_directory.directory()


def test_login_names_in_the_sample_directory_are_unique() -> None:
    people = sample_directory.people()
    assert len({person.uid for person in people}) == len(people) == 200
    assert all(person.uid.replace(".", "").isascii() and person.uid.count(".") == 1 for person in people)
