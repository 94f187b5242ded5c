"""Application passwords that were made for whoever logged in before the source came that decides the password, or by the
password of a source that has the user no more (law 14)."""

from collections.abc import Sequence

import pytest

from gateway.directory.authentication.password_authority import PasswordAuthority
from gateway.model.deltas import Delta
from gateway.model.objects import Kind
from gateway.store.clients import application_passwords, applications
from gateway.store.engine.database import Connection
from gateway.store.objects import passwords
from gateway.sync.review.link_decisions import Decisions, RecordName
from gateway.sync.rules.authority import Authority
from tests.sync.synced_store import Store, gone, person

PASSWORDS = Authority(passwords=("corp", "partner"))
BOTH = ("corp", "partner")


def authority_of(sources: Sequence[str], listed: Sequence[str] = ()) -> Authority:
    """Return the authority of a gateway whose `sources` have passwords."""
    decides = PasswordAuthority(sources, listed)
    return Authority(passwords=decides.listed, is_vouched_for=decides.is_vouched_for)


LISTED, ONLY_ONE, UNSAID = authority_of(BOTH, BOTH), authority_of(("corp",)), authority_of(BOTH)


def give_one(store: Store, user_id: str) -> None:
    def work(connection: Connection) -> None:
        known = applications.all_applications(connection)
        program = known[0] if known else applications.add(connection, "portal", now=store.time)[0]
        application_passwords.add(connection, user_id, program.id, "phone", now=store.time)

    store.database.write_blocking(work)


def has_one(store: Store, user_id: str) -> bool:
    return bool(store.database.read_blocking(lambda c: application_passwords.of_user(c, user_id)))


@pytest.mark.parametrize(
    ("first", "second", "authority", "stays"),
    [
        ("partner", "corp", PASSWORDS, False),
        ("hr", "corp", PASSWORDS, False),
        ("hr", "partner", PASSWORDS, False),
        ("corp", "partner", PASSWORDS, True),
        ("corp", "hr", PASSWORDS, True),
        ("partner", "corp", Authority(passwords=("partner", "corp")), True),
        ("partner", "corp", Authority(passwords=("partner",)), True),
        ("partner", "corp", Authority(), True),
    ],
)
def test_law_14_application_passwords_end_when_a_rule_brings_the_source_that_decides(
    both_stores: Store, first: str, second: str, authority: Authority, stays: bool
) -> None:
    store = both_stores
    store.authority = authority
    store.correlate(second, "email = email")
    store.apply(person("mallory", external_id="m", email="ceo@corp.test"), person("pat", email="pat@corp.test"), source=first)
    mallory, pat = store.user("mallory").id, store.user("pat").id
    give_one(store, mallory)
    give_one(store, pat)
    store.apply(person("mallory", external_id="c", email="ceo@corp.test"), source=second)
    assert (has_one(store, mallory), has_one(store, pat)) == (stays, True)
    if not stays:
        give_one(store, mallory)
    store.apply(person("mallory", external_id="c", email="ceo@corp.test", title="Chief"), source=second, caught_up=True)
    assert has_one(store, mallory), "what is made afterwards stays, whatever is reported again"


def test_law_14_application_passwords_stay_when_a_person_links_the_source_that_decides(store: Store) -> None:
    store.authority = PASSWORDS
    store.apply(person("mallory", external_id="m"), source="partner")
    mallory = store.user("mallory").id
    give_one(store, mallory)
    store.apply(person("ceo", external_id="c"), source="corp")
    decisions = Decisions(
        {"corp": store.door("corp"), "partner": store.door("partner")}, store.door("local"), lambda: store.time
    )
    store.database.write_blocking(lambda c: decisions.link(c, RecordName("corp", Kind.USER, "c"), mallory, "eve"))
    assert has_one(store, mallory)
    store.apply(gone(Kind.USER, "m"), source="partner")
    assert has_one(store, mallory)


def decisions_of(store: Store) -> Decisions:
    doors = {source_id: store.door(source_id) for source_id in ("corp", "partner", "hr")}
    return Decisions(doors, store.door("local"), lambda: store.time)


def link(store: Store, source: str, external_id: str, user_id: str) -> None:
    name = RecordName(source, Kind.USER, external_id)
    store.database.write_blocking(lambda c: decisions_of(store).link(c, name, user_id, "eve"))


def keep_verifier(store: Store, user_id: str, source: str) -> None:
    store.database.write_blocking(lambda c: passwords.keep_verifier(c, user_id, source, "hash", store.time))


def bob(source: str) -> Delta:
    return person("bob", external_id=f"b-{source}", email="bob@corp.test")


@pytest.mark.parametrize(
    ("authority", "sources", "leaves", "stays"),
    [
        (LISTED, ("corp", "hr"), "corp", False),
        (LISTED, ("hr", "corp"), "corp", False),
        (LISTED, ("partner", "hr"), "partner", False),
        (LISTED, ("corp", "partner"), "corp", False),
        (LISTED, ("corp", "partner", "hr"), "partner", True),
        (LISTED, ("corp", "hr"), "hr", True),
        (ONLY_ONE, ("corp", "hr"), "corp", False),
        (ONLY_ONE, ("hr", "corp"), "corp", False),
        (ONLY_ONE, ("hr", "corp"), "hr", True),
        (UNSAID, ("corp", "hr"), "corp", False),
        (UNSAID, ("corp", "partner"), "corp", False),
        (UNSAID, ("corp", "partner"), "partner", True),
        (authority_of(BOTH, ("corp",)), ("corp", "partner"), "partner", True),
        (authority_of(()), ("corp", "hr"), "corp", True),
    ],
)
def test_law_14_application_passwords_end_when_the_source_that_checks_the_password_has_the_user_no_more(
    store: Store, authority: Authority, sources: Sequence[str], leaves: str, stays: bool
) -> None:
    store.authority = authority
    for source in sources[1:]:
        store.correlate(source, "email = email")
    for source in sources:
        store.apply(bob(source), person("pat", external_id=f"p-{source}", email="pat@corp.test"), source=source)
    user_id, pat = store.user("bob").id, store.user("pat").id
    give_one(store, user_id)
    give_one(store, pat)
    store.apply(gone(Kind.USER, f"b-{leaves}"), source=leaves)
    assert store.user("bob").enabled
    assert (has_one(store, user_id), has_one(store, pat)) == (stays, True)
    if not stays:
        give_one(store, user_id)
    store.apply(gone(Kind.USER, f"b-{leaves}"), source=leaves, caught_up=True)
    assert has_one(store, user_id), "what is made afterwards, by what a person has said, stays"


def test_law_14_application_passwords_stay_with_an_entry_that_is_made_anew(both_stores: Store) -> None:
    store = both_stores
    store.authority = LISTED
    store.correlate("corp", "email = email")
    store.apply(bob("hr"))
    store.apply(bob("corp"), source="corp")
    user_id = store.user("bob").id
    give_one(store, user_id)
    anew = person("bob", external_id="new", email="bob@corp.test")
    store.apply(gone(Kind.USER, "b-corp"), anew, source="corp")
    assert (store.user("bob").id, has_one(store, user_id)) == (user_id, True)
    store.apply(gone(Kind.USER, "new"), source="corp")
    assert not has_one(store, user_id)


def test_law_14_application_passwords_stay_as_long_as_a_person_has_said_who_checks_the_password(store: Store) -> None:
    store.authority = LISTED
    store.apply(bob("corp"), source="corp")
    user_id = store.user("bob").id
    for source in ("partner", "hr"):
        store.apply(person(f"bob-{source}", external_id=f"b-{source}"), source=source)
        link(store, source, f"b-{source}", user_id)
    give_one(store, user_id)
    store.apply(gone(Kind.USER, "b-corp"), source="corp")
    assert has_one(store, user_id), "eve has linked partner's account, whose password still counts"
    store.apply(gone(Kind.USER, "b-partner"), source="partner")
    assert not has_one(store, user_id), "hr has no passwords"


def test_law_14_application_passwords_stay_when_a_person_takes_an_account_away(store: Store) -> None:
    store.authority = LISTED
    store.correlate("corp", "email = email")
    store.apply(bob("hr"))
    store.apply(bob("corp"), source="corp")
    user_id = store.user("bob").id
    give_one(store, user_id)
    name = RecordName("corp", Kind.USER, "b-corp")
    store.database.write_blocking(lambda c: decisions_of(store).unlink(c, name, "eve"))
    assert has_one(store, user_id)


def test_law_14_the_offline_verifier_of_an_account_ends_with_it(both_stores: Store) -> None:
    store = both_stores
    store.authority = LISTED
    store.correlate("partner", "email = email")
    store.correlate("hr", "email = email")
    for source in ("corp", "partner", "hr"):
        store.apply(bob(source), source=source)
    user_id = store.user("bob").id
    for source in BOTH:
        keep_verifier(store, user_id, source)

    def kept() -> list[bool]:
        return store.database.read_blocking(lambda c: [passwords.verifier(c, user_id, one) is not None for one in BOTH])

    store.apply(gone(Kind.USER, "b-hr"))
    assert kept() == [True, True]
    store.apply(gone(Kind.USER, "b-corp"), source="corp")
    assert kept() == [False, True]
