"""Users made from their records."""

import pytest

from gateway.model.objects import User
from tests.sync.synced_store import Store, person, unit


def test_law_9_an_attribute_that_was_not_seen_stays_and_one_seen_empty_is_cleared(store: Store) -> None:
    store.apply(person("anna", title="Boss", email="a@example.test"))
    store.apply(person("anna", email=()))
    assert store.user("anna").attributes == {"title": ("Boss",)}


def test_of_a_single_valued_attribute_the_first_value_is_kept(store: Store) -> None:
    store.apply(person("anna", display_name=("Boss", "Queen"), title=("a", "b")))
    assert store.user("anna").attributes == {"display_name": ("Boss",), "title": ("a", "b")}


@pytest.mark.parametrize(("said", "enabled"), [("false", False), ("FALSE", False), ("true", True), ("", True)])
def test_a_source_can_lock_an_account(store: Store, said: str, enabled: bool) -> None:
    store.apply(person("anna", enabled=said))
    assert store.user("anna").enabled is enabled


def test_law_11_no_rename_or_move_changes_an_id(store: Store) -> None:
    store.apply(unit("a"), unit("b"), person("anna", "ou=a"))
    first = store.user("anna").id
    store.apply(person("berta", "ou=b", external_id="u:anna"))
    assert store.user("berta").id == first
    assert store.names() == {"berta"}


def test_the_change_of_a_moved_user_has_its_organizations_before(store: Store) -> None:
    store.apply(unit("a"), unit("b"), person("anna", "ou=a"))
    before = store.user("anna").organization_ids
    store.apply(person("anna", "ou=b"))
    change = store.log()[-1]
    assert isinstance(change.object, User)
    assert change.organizations_before == before != change.object.organization_ids
