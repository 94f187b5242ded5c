"""Rules between sources whose people log in: refused until it is said whose password counts."""

import os
from pathlib import Path

import pytest

from gateway.app.config import loader
from gateway.app.config.loader import Loaded
from gateway.app.parts import source_parts
from gateway.model.errors import ConfigurationError
from gateway.model.records import Account
from tests.app.installation import Installation

BASE = 'users.base = "ou=people,dc=x"\n'
CORP = f'[[source]]\nname = "corp"\nkind = "openldap"\nurl = "ldap://corp.test"\n{BASE}'
PARTNER = CORP.replace("corp", "partner")
LINKING = f'{PARTNER}users.correlation = ["email = email"]\n'
BY_NUMBER = f'{PARTNER}users.correlation = ["employee_number = employee_number"]\n'
KEY = "[authority] passwords"
SAID = '[authority]\npasswords = ["corp", "partner"]\n'


def load(folder: Path, text: str) -> Loaded:
    file = folder / "gateway.toml"
    file.write_text(text)
    return loader.load(file, {})


@pytest.mark.parametrize(
    ("text", "named"),
    [
        (
            CORP + LINKING,
            ["gateway.toml", "partner", "[source.users] correlation", KEY + ' = ["corp", "partner"]'],
        ),
        (f'[authority]\norder = ["corp"]\n{CORP}{LINKING}', [KEY]),
        (f'[authority]\npasswords = ["corp"]\n{CORP}{LINKING}jit = true\n', ["'partner' jit", KEY]),
        (
            f'[authority]\npasswords = ["corp"]\n{CORP}authentication = false\n',
            [KEY, "authentication = true"],
        ),
        (f'[authority]\npasswords = ["crop"]\n{CORP}', [KEY, "'crop'", "corp"]),
    ],
)
def test_law_14_rules_between_sources_with_passwords_need_an_order(tmp_path: Path, text: str, named: list[str]) -> None:
    with pytest.raises(ConfigurationError) as refused:
        load(tmp_path, text)
    assert all(part in str(refused.value) for part in named), str(refused.value)


@pytest.mark.parametrize(
    "text",
    [
        CORP + PARTNER,
        SAID + CORP + LINKING,
        f'[authority]\norder = ["corp", "partner"]\n{CORP}{LINKING}',
        f'[authority]\npasswords = ["corp"]\n{CORP}{LINKING}',
        f"{CORP}{LINKING}authentication = false\n",
        f"{CORP}authentication = false\n{LINKING}",
        f'{CORP}{LINKING}users.reactions = {{ unlinked = "queue" }}\n',
    ],
)
def test_who_says_whose_password_counts_or_leaves_it_to_people_may_correlate(tmp_path: Path, text: str) -> None:
    load(tmp_path, text)


@pytest.mark.parametrize(
    ("text", "warned"),
    [
        (SAID + CORP + LINKING, True),
        (LINKING, True),
        (f'{SAID}{CORP}{LINKING}users.reactions = {{ unlinked = "queue" }}\n', False),
        (f'[authority]\npasswords = ["corp"]\n{CORP}{LINKING}', False),
        (f"{CORP}{LINKING}authentication = false\n", False),
        (SAID + CORP + BY_NUMBER, False),
    ],
)
def test_rules_by_what_people_may_write_are_warned_of_where_the_source_vouches(tmp_path: Path, text: str, warned: bool) -> None:
    warnings = [warning for warning in load(tmp_path, text).warnings if "'email = email'" in warning]
    assert bool(warnings) is warned
    assert all("source partner" in warning for warning in warnings)


@pytest.mark.parametrize("command", [("config", "check"), ("check",)])
def test_both_checks_print_the_warnings(tmp_path: Path, command: tuple[str, ...]) -> None:
    gateway = Installation(tmp_path, os.environ)
    gateway.configure(LINKING.replace("partner.test", "127.0.0.1:1"))
    assert "warning: source partner: 'email = email'" in gateway(*command).err


@pytest.mark.parametrize(
    ("text", "vouching"),
    [(SAID, {"corp", "partner"}), ('[authority]\npasswords = ["partner"]\n', {"partner"}), ("", set())],
)
def test_law_14_the_doors_of_sources_know_who_checks_a_password_as_logins_do(
    tmp_path: Path, text: str, vouching: set[str]
) -> None:
    for parts in source_parts.build(load(tmp_path, text + CORP + PARTNER).settings):
        vouched = parts.inbound.authority.is_vouched_for
        assert vouched is not None
        accounts = [Account(name, "1", "uid=bob", "rule:email") for name in ("corp", "partner", "local")]
        assert {one.source_id for one in accounts if vouched([one], [])} == vouching
