"""The sample directory that `scripts/demo` serves."""

from __future__ import annotations

from pathlib import Path

from scripts import sample_directory

SAMPLE = Path(__file__).parents[2] / "conf" / "sample" / "directory.ldif"


def test_the_sample_directory_is_what_its_generator_writes() -> None:
    assert SAMPLE.read_text("utf-8") == sample_directory.directory()


def test_everybody_in_the_sample_directory_has_a_login_name_of_their_own() -> None:
    everybody = sample_directory.people()
    assert len({person.uid for person in everybody}) == len(everybody) == 200
    assert all(person.uid.replace(".", "").isascii() and person.uid.count(".") == 1 for person in everybody)
