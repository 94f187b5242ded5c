"""conf/clients/ as a whole: every recipe has a test, was tested with the version that is installed, and is in the table."""

from __future__ import annotations

import importlib
import importlib.metadata
import json
import os
import re
import subprocess
from collections.abc import Mapping
from pathlib import Path

import pytest

from tests.recipes import debian, recipe
from tests.recipes.recipe import CLIENTS, PORT, SECRET, TLS_PORT, Head, head
from tests.recipes.test_login_programs import MODULES
from tests.servers.processes import MissingProgramError, program

TABLE = CLIENTS / "README.md"
HERE = {
    "postgresql-15": lambda: [program("postgres", "postgresql"), "--version"],
    "slapd": lambda: [program("slapd", "slapd"), "-VV"],
    "openjdk-17-jdk-headless": lambda: [program("java", "openjdk-17-jdk-headless"), "-version"],
}
"""Debian packages that the tests use from this machine: what tells the version."""
HEADING = """\
# Recipes

One folder for each program: the smallest configuration that works, as an administrator copies it. Each is run by a test with
the real program (`tests/recipes`): right and wrong passwords, members of a group and others, names and passwords that are not
ASCII, somebody who was just added upstream.

Put your own values for `127.0.0.1:3890` (`6360` for LDAPS), `dc=directory,dc=example`, the application `sample-portal` and
`application-secret`; they are those of `scripts/demo`, which prints the secret.

| program | tested with | what works |
|---|---|---|
"""


def rows() -> list[str]:
    """The table's rows, made of the recipes' first lines."""
    said = sorted(((name, head(name)) for name in recipe.names()), key=lambda each: each[1].title.lower())
    return [row(name, each) for name, each in said]


def row(name: str, said: Head) -> str:
    return f"| [{said.title}]({name}/) | {said.program} {said.version} ({said.origin}) | {said.works} |\n"


def modules() -> Mapping[str, str]:
    """Recipe → the module that says it tests it."""
    found: dict[str, str] = {}
    for file in sorted(Path(__file__).parent.glob("test_*.py")):
        for name in getattr(importlib.import_module(f"tests.recipes.{file.stem}"), "RECIPES", ()):
            assert name not in found, f"{name} is tested by {found[name]} and {file.stem}"
            found[name] = file.stem
    return found


def test_every_recipe_is_tested_and_every_test_has_a_recipe() -> None:
    assert sorted(modules()) == recipe.names()


def test_the_table_has_every_recipe_in_its_own_words() -> None:
    assert TABLE.read_text() == HEADING + "".join(rows()), "write it anew: .venv/bin/python -m tests.recipes.test_list"


@pytest.mark.parametrize("name", recipe.names())
def test_a_recipe_is_for_the_demonstration_and_says_which_values_to_change(name: str) -> None:
    written = "".join(file.read_text() for file in (CLIENTS / name).iterdir())
    assert PORT in written or TLS_PORT in written
    assert "dc=directory,dc=example" in written
    assert SECRET in written or "directory.secret" in written or "is asked for" in written


def test_people_and_groups_of_the_recipes_are_those_of_the_demonstration() -> None:
    written = "".join(file.read_text() for file in CLIENTS.glob("*/*"))
    sample = (CLIENTS.parent / "sample" / "directory.ldif").read_text()
    named = set(re.findall(r"cn=([\w-]+),\s*ou=groups", written, re.IGNORECASE))
    assert named == {"vpn-users", "administrators", "all-staff", "databases"}
    missing = {name for name in named if f"\ncn: {name}\n" not in sample}
    assert missing == set()


def test_without_root_the_tests_say_what_they_need(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    debian.system.cache_clear()
    with pytest.raises(MissingProgramError, match=r"run scripts/test as root"):
        debian.system()


def test_without_the_programs_the_tests_say_how_to_get_them(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    other = tmp_path / "recipes_system"
    other.write_text("#!/bin/sh\necho /var/tmp/nothing-here\n")
    other.chmod(0o755)
    monkeypatch.setattr(debian, "MAKER", other)
    debian.system.cache_clear()
    with pytest.raises(MissingProgramError, match=r"run scripts/environment --test"):
        debian.system()
    debian.system.cache_clear()


@pytest.mark.parametrize("name", recipe.names())
def test_the_version_is_the_one_that_is_installed(name: str) -> None:
    said = head(name)
    assert f" {installed(said.origin, said.package)}.".startswith(f" {said.version}."), installed(said.origin, said.package)


def installed(origin: str, package: str) -> str:
    """The version of a package, without Debian's epoch and revision."""
    if origin == "PyPI":
        return importlib.metadata.version(package)
    if origin == "npm":
        return str(json.loads((MODULES / package / "package.json").read_text())["version"])
    if package in HERE:
        told = subprocess.run(HERE[package](), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=True)
        return next(word.strip('"') for word in told.stdout.split() if word.strip('"')[:1].isdigit())
    query = ["dpkg-query", f"--admindir={debian.system()}/var/lib/dpkg", "--show", "--showformat=${Version}", package]
    told = subprocess.run(query, capture_output=True, text=True, check=True)
    return re.split(r"[-+]", told.stdout.rpartition(":")[2])[0]


if __name__ == "__main__":
    TABLE.write_text(HEADING + "".join(rows()))
