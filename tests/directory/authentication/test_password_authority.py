"""Whose password counts: by the configuration, by a person's decision, by the record that the user was made for; never by a
rule of correlation."""

from datetime import UTC, datetime, timedelta

import pytest

from gateway.directory.authentication.password_authority import PasswordAuthority
from gateway.model.records import Account
from gateway.store.records.former_accounts import FormerAccount

AT = datetime(2026, 1, 1, tzinfo=UTC)
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
    decision = authority.decide([account(text) for text in linked])
    assert [one.external_id for one in decision.vouching] == vouching
    assert (decision.left, len(decision.reasons)) == (None, len(vouching))


@pytest.mark.parametrize(
    ("authority", "linked", "former", "vouching", "left"),
    [
        # the source that decided has the user no more: no rule takes its place, whoever was read first
        (PasswordAuthority(BOTH, ("corp", "partner")), ["partner:rule:email"], "corp:rule:create", [], "corp"),
        (PasswordAuthority(BOTH, ("corp", "partner")), ["partner:rule:create"], "corp:rule:email", [], "corp"),
        (PasswordAuthority(BOTH, (), ("corp", "partner")), ["partner:rule:email"], "corp:rule:create", [], "corp"),
        (PasswordAuthority(BOTH), ["partner:rule:email"], "corp:rule:create", [], "corp"),
        (PasswordAuthority(BOTH, ("corp",)), [], "corp:rule:create", [], "corp"),
        (PasswordAuthority({"corp"}), ["hr:rule:create"], "corp:rule:email", [], "corp"),
        # a person's decision counts
        (PasswordAuthority(BOTH, ("corp", "partner")), ["partner:person:eve"], "corp:rule:create", ["partner"], "corp"),
        # a source that has the user again, that did not decide, or is no more, is not missed
        (PasswordAuthority(BOTH, ("corp", "partner")), ["corp/2:rule:email"], "corp:rule:create", ["corp/2"], ""),
        (PasswordAuthority(BOTH, ("corp", "partner")), ["corp:rule:email"], "partner:rule:create", ["corp"], ""),
        (PasswordAuthority(BOTH, ("partner",)), ["partner:rule:email"], "corp:rule:create", ["partner"], ""),
        (PasswordAuthority(BOTH), ["partner:rule:create"], "corp:rule:email", ["partner"], ""),
        (PasswordAuthority({"partner"}), ["partner:rule:email"], "corp:rule:create", ["partner"], ""),
        (PasswordAuthority(BOTH, ("corp", "partner")), ["partner:rule:email"], "hr:rule:create", ["partner"], ""),
    ],
)
def test_law_14_nobody_takes_the_place_of_the_source_that_decided_and_is_left(
    authority: PasswordAuthority, linked: list[str], former: str, vouching: list[str], left: str
) -> None:
    decision = authority.decide([account(text) for text in linked], [FormerAccount(account(former), AT)])
    assert [one.external_id for one in decision.vouching] == vouching
    assert ("" if decision.left is None else decision.left.account.external_id) == left
    for set_at in (AT - timedelta(days=1), AT, None):
        assert decision.takes_local(set_at) is (not vouching and not left and set_at is not None)
    assert decision.takes_local(AT + timedelta(days=1)) is (not vouching)


def test_a_decision_says_why() -> None:
    def why(authority: PasswordAuthority, *linked: str) -> list[str]:
        return [str(reason) for reason in authority.decide([account(text) for text in linked]).reasons]

    both = "corp:rule:create", "partner:person:eve"
    assert why(PasswordAuthority(BOTH, ("corp",)), *both) == ["[authority] passwords", "a person has linked it"]
    assert why(PasswordAuthority(BOTH, (), ("corp",)), "corp:rule:create") == ["[authority] order"]
    assert why(PasswordAuthority({"corp"}), "hr:rule:create", "corp:rule:email") == ["it is the only source with passwords"]
    assert why(PasswordAuthority(BOTH), "corp:rule:create") == ["the user was made for its record"]
