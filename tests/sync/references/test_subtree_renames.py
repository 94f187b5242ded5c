"""Entries below one that was renamed or moved follow it, in the store and in the batch itself."""

import pytest

from gateway.model.ldap import dn
from gateway.store.records import records
from gateway.sync.references import subtree_renames
from tests.sync.synced_store import Store, group, person, renamed, unit


@pytest.mark.parametrize(
    ("below", "expected"),
    [
        ("uid=Anna,OU=Old,dc=x", "uid=Anna,ou=New,o=y"),
        ("cn=Doe\\, Jane , ou = Old , dc=x", "cn=Doe\\, Jane ,ou=New,o=y"),
        ('cn="Doe, Jane";ou=Old;dc=x', 'cn="Doe, Jane",ou=New,o=y'),
        ("cn=a+uid=b,ou=in\\2c between,ou=old,dc=x", "cn=a+uid=b,ou=in\\2c between,ou=New,o=y"),
    ],
)
def test_the_suffix_is_exchanged_and_the_rest_keeps_its_spelling(below: str, expected: str) -> None:
    old, new = "ou=old,dc=x", "ou=New,o=y"
    spelled, key = subtree_renames.renamed(below, dn.key(below), dn.key(old), new, dn.key(new))
    assert spelled == expected
    assert key == dn.key(expected)


def test_a_renamed_unit_takes_everything_below_along_although_only_the_unit_is_reported(store: Store) -> None:
    store.apply(unit("Old", external_id="x"), unit("in", "ou=Old"), person("Anna", "ou=in,OU=Old"), person("bert", "ou=Old"))
    ids = {name: store.user(name).id for name in ("anna", "bert")}
    store.apply(unit("New", external_id="x"))
    assert store.directory().users == {"Anna": ("/New/in/",), "bert": ("/New/",)}
    assert {name: store.user(name).id for name in ids} == ids
    account = store.database.read_blocking(lambda c: records.accounts(c, ids["anna"]))[0]
    assert account.dn == "uid=Anna,ou=in,ou=New,dc=example,dc=test"
    store.apply(group("g", "uid=anna,ou=in,ou=new"))
    assert store.directory().members == {"g": {"Anna"}}


def test_a_report_of_an_entry_after_its_unit_was_renamed_in_the_batch_counts(store: Store) -> None:
    store.apply(unit("a", external_id="x"), person("anna", "ou=a"), person("bert", "ou=a"))
    store.apply(
        unit("b", external_id="x"),
        unit("a", external_id="y"),
        person("anna", "ou=a"),
        person("carl", "ou=a"),
        person("bert", "ou=b"),
    )
    assert store.directory().users == {"anna": ("/a/",), "bert": ("/b/",), "carl": ("/a/",)}


def test_a_report_of_an_entry_before_its_unit_was_renamed_in_the_batch_is_renamed_too(store: Store) -> None:
    store.apply(unit("a", external_id="x"), person("anna", "ou=a"))
    store.apply(person("anna", "ou=a", title="Boss"), person("carl", "ou=a"), unit("b", external_id="x"))
    assert store.directory().users == {"anna": ("/b/",), "carl": ("/b/",)}


def test_a_unit_that_one_batch_adds_and_renames_takes_along_the_reports_in_between(store: Store) -> None:
    store.apply(unit("a", external_id="x"), unit("in", "ou=a"), unit("b", external_id="x"), person("anna", "ou=in,ou=b"))
    assert store.directory().organizations == {"/", "/b/", "/b/in/"}
    assert store.directory().users == {"anna": ("/b/in/",)}


def test_a_group_reported_before_its_member_was_renamed_in_the_same_batch_has_the_member(store: Store) -> None:
    anna = person("anna")
    store.apply(anna, group("g"))
    store.apply(group("g", "uid=anna"), renamed(anna, "berta"))
    assert store.directory().members == {"g": {"berta"}}
