"""The recipes that are programs: each finds a person, tries the password, names the groups, and lists a group in pages.

All of them are called alike: `login NAME` with the password on standard input, and `members GROUP`.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest

from tests.recipes.company import ANNA, JOAO, WEI, ZOE, Company
from tests.recipes.debian import TIMEOUT_SECONDS, Debian
from tests.recipes.recipe import Addresses, main_file, text
from tests.servers.processes import program

MODULES = Path(__file__).parents[2] / ".venv" / "npm" / "node_modules"
HERE = {
    "python-ldap": lambda: [sys.executable],
    "ldap3": lambda: [sys.executable],
    "bonsai": lambda: [sys.executable],
    "ldapts": lambda: [program("node", "npm")],
    "jndi": lambda: [program("java", "openjdk-17-jdk-headless"), "-Xshare:auto", "-XX:TieredStopAtLevel=1", "-cp", "."],
}
"""What runs on this machine, and how."""
THERE = {"php": ["php"], "perl-net-ldap": ["perl"], "ruby-net-ldap": ["ruby", "-Eutf-8:utf-8"]}
"""What runs in the Debian system."""
RECIPES = (*HERE, *THERE)

BASE = "dc=directory,dc=example"
NEW = replace(JOAO, given="Ñandú", uid="new.comer", number=10102)

Program = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture(scope="module", params=RECIPES)
def client(
    request: pytest.FixtureRequest, gateway: Addresses, debian: Debian, tmp_path_factory: pytest.TempPathFactory
) -> Program:
    """A function that runs the recipe's program with arguments and what it reads; its output has the errors, too."""
    name: str = request.param
    file = main_file(name)
    written = text(f"{name}/{file.name}", gateway)
    if name in THERE:
        debian.write(f"/root/{file.name}", written)
        return lambda *arguments, given="": debian.run(*THERE[name], f"/root/{file.name}", *arguments, given=given)
    folder = tmp_path_factory.mktemp(name)
    (folder / file.name).write_text(written)
    (folder / "node_modules").symlink_to(MODULES)
    return partial(run_here, folder, [*HERE[name](), started(folder, file)])


def started(folder: Path, file: Path) -> str:
    """What the interpreter is given: Java's classes are compiled once."""
    if file.suffix != ".java":
        return file.name
    subprocess.run([program("javac", "openjdk-17-jdk-headless"), file.name], cwd=folder, check=True)
    return file.stem


def run_here(folder: Path, command: list[str], *arguments: str, given: str = "") -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*command, *arguments],
        cwd=folder,
        input=given,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        encoding="utf-8",
        timeout=TIMEOUT_SECONDS,
        env={"LC_ALL": "C.UTF-8", "PYTHONUTF8": "1", "LDAPNOINIT": "1"},
    )


def log_in(client: Program, name: str, password: str) -> tuple[int, list[str]]:
    done = client("login", name, given=f"{password}\n")
    return done.returncode, done.stdout.splitlines()


def groups(*names: str) -> list[str]:
    return [f"cn={name},ou=groups,{BASE}" for name in names]


def test_the_right_password_shows_the_person_and_the_groups(client: Program) -> None:
    code, lines = log_in(client, ANNA.uid, ANNA.password)
    assert (code, lines[:2]) == (0, [ANNA.name, ANNA.mail])
    assert sorted(lines[2:]) == groups("administrators", "databases", "vpn-users")


def test_names_and_passwords_are_not_only_ascii(client: Program) -> None:
    assert log_in(client, ZOE.uid, ZOE.password)[1][:2] == [ZOE.name, ZOE.mail]
    assert log_in(client, WEI.uid, WEI.password) == (0, [WEI.name, WEI.mail, *groups("administrators")])


def test_who_is_in_no_group_has_none(client: Program) -> None:
    assert log_in(client, JOAO.uid, JOAO.password) == (0, [JOAO.name, JOAO.mail])


@pytest.mark.parametrize(
    ("name", "password"),
    [(ANNA.uid, "wrong"), (ANNA.uid, ""), ("nobody", ANNA.password), ("*", ANNA.password), ("a*)(uid=anna.*", ANNA.password)],
    ids=["wrong password", "no password", "unknown name", "wildcard", "a filter in the name"],
)
def test_nobody_else_is_let_in(client: Program, name: str, password: str) -> None:
    assert log_in(client, name, password) == (1, ["refused"])


def test_the_members_of_a_group_are_listed_in_pages(client: Program, company: Company) -> None:
    done = client("members", "vpn-users")
    assert (done.returncode, set(done.stdout.splitlines())) == (0, {ANNA.name, ZOE.name}), done.stdout


@pytest.mark.parametrize("client", ["jndi"], indirect=True)
def test_java_gets_them_in_order(client: Program) -> None:
    assert client("members", "vpn-users").stdout.splitlines() == [ANNA.name, ZOE.name]


def test_somebody_who_is_hired_is_let_in(client: Program, company: Company) -> None:
    if not company.observer.find(f"(uid={NEW.uid})", "1.1"):
        assert log_in(client, NEW.uid, NEW.password) == (1, ["refused"])
        company.hire(NEW)
    assert log_in(client, NEW.uid, NEW.password) == (0, [NEW.name, NEW.mail])
