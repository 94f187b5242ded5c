"""Whose password counts: by the configuration, by a person's decision, by the record that the user was made for; never by a
rule of correlation."""

import pytest

from gateway.directory.authentication.password_authority import PasswordAuthority
from gateway.model.records import Account

BOTH = frozenset({"corp", "partner"})


def account(text: str) -> Account:
    """`corp:rule:create`, or `corp/2:rule:create` for the second of one source."""
    where, _, decided_by = text.partition(":")
    return Account(where.partition("/")[0], where, f"cn={where}", decided_by)


@pytest.mark.parametrize(
    ("authority", "linked", "vouching"),
    [
        # [authority] passwords: the first of them, whoever was read first and whoever made the user
        (PasswordAuthority(BOTH, ("corp", "partner")), ["corp:rule:create", "partner:rule:email"], ["corp"]),
        (PasswordAuthority(BOTH, ("corp", "partner")), ["partner:rule:create", "corp:rule:email"], ["corp"]),
        (PasswordAuthority(BOTH, ("corp", "partner")), ["partner:rule:create"], ["partner"]),
        (PasswordAuthority(BOTH, ("partner", "corp")), ["corp:rule:create", "partner:rule:email"], ["partner"]),
        (PasswordAuthority(BOTH, ("corp",)), ["partner:rule:create"], []),
        (PasswordAuthority(BOTH, ("corp",), ("partner",)), ["partner:rule:create"], []),
        # a person's decision counts beside it
        (PasswordAuthority(BOTH, ("corp", "partner")), ["partner:person:eve", "corp:rule:create"], ["corp", "partner"]),
        (PasswordAuthority(BOTH, ("corp",)), ["partner:person:eve"], ["partner"]),
        # without it, the common order decides; who has no passwords is not in it
        (PasswordAuthority(BOTH, (), ("hr", "corp", "partner")), ["hr:rule:create", "partner:rule:email"], ["partner"]),
        (PasswordAuthority(BOTH, (), ("hr", "corp", "partner")), ["partner:rule:create", "corp:rule:email"], ["corp"]),
        # neither says it: the record that the user was made for
        (PasswordAuthority(BOTH), ["partner:rule:create", "corp:rule:email"], ["partner"]),
        (PasswordAuthority(BOTH), ["hr:rule:create", "partner:rule:email"], []),
        (PasswordAuthority(BOTH), ["hr:rule:create", "partner:person:eve"], ["partner"]),
        (PasswordAuthority(BOTH), ["corp:rule:return"], ["corp"]),
        # the only source with passwords decides them, but not those of people who were made here
        (PasswordAuthority({"corp"}), ["hr:rule:create", "corp:rule:email"], ["corp"]),
        (PasswordAuthority({"corp"}), ["local:rule:create", "corp:rule:email"], []),
        (PasswordAuthority({"corp"}), ["local:rule:addition", "corp:rule:email"], ["corp"]),
        (PasswordAuthority({"corp"}, ("corp",)), ["local:rule:create", "corp:rule:email"], ["corp"]),
        # of two accounts at the deciding source the first, and what a person linked
        (PasswordAuthority(BOTH, ("corp",)), ["corp:rule:create", "corp/2:rule:email"], ["corp"]),
        (PasswordAuthority(BOTH, ("corp",)), ["corp:rule:create", "corp/2:person:eve"], ["corp", "corp/2"]),
        (PasswordAuthority(frozenset()), ["corp:rule:create"], []),
    ],
)
def test_law_14_who_vouches(authority: PasswordAuthority, linked: list[str], vouching: list[str]) -> None:
    assert [one.external_id for one in authority.vouching([account(text) for text in linked])] == vouching
