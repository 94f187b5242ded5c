"""Application passwords that were made for whoever logged in before the source came that decides the password (law 14)."""

import pytest

from gateway.model.objects import Kind
from gateway.store.clients import application_passwords, applications
from gateway.store.engine.database import Connection
from gateway.sync.review.link_decisions import Decisions, RecordName
from gateway.sync.rules.authority import Authority
from tests.sync.synced_store import Store, gone, person

PASSWORDS = Authority(passwords=("corp", "partner"))


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
