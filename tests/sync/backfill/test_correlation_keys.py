"""Keys for the objects of before: all of them, a few at a time, also when it is interrupted and others write meanwhile."""

import pytest

from gateway.model.objects import Kind
from gateway.store.correlation import object_keys
from gateway.store.correlation.object_keys import Names
from gateway.sync.backfill import correlation_keys, posix_numbers
from gateway.sync.objects.posix_allocation import PosixNumbers, Range
from tests.sync.synced_store import Store, group, person, unit

BY_NUMBER: Names = {Kind.USER: frozenset({"employee_number"})}
BY_MUCH: Names = {
    Kind.USER: frozenset({"email", "external_id"}),
    Kind.ORGANIZATION: frozenset({"path", "name"}),
    Kind.GROUP: frozenset({"name"}),
}


def keys(store: Store) -> set[tuple[str, str, str]]:
    ids = [change.object_id for change in store.log()]
    found = store.database.read_blocking(lambda c: object_keys.of_objects(c, ids))
    return {(key.kind, key.name, key.key) for key in found}


def fill(store: Store, names: Names, steps: int = 10**6) -> int:
    """As many steps as are needed, or `steps`."""
    place = store.database.write_blocking(lambda c: correlation_keys.begin(c, names))
    done = 0
    while place is not None and done < steps:
        place = store.database.write_blocking(correlation_keys.step(place))
        done += 1
    return done


def test_objects_of_every_kind_get_the_keys_that_are_named(both_stores: Store) -> None:
    both_stores.apply(unit("A"), person("anna", "ou=A", email=("Anna@x.test", "a@x.test")), group("Staff", "uid=anna,ou=A"))
    fill(both_stores, BY_MUCH)
    found = keys(both_stores)
    assert {key for kind, name, key in found if name != "path"} == {"anna@x.test", "a@x.test", "u:anna", "a", "staff"}
    assert [key.partition("/")[2] for _, name, key in found if name == "path"] == ["a"]


def test_filling_goes_on_in_small_steps_and_once_it_is_done_nothing_is_to_do(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(correlation_keys, "AT_ONCE", 3)
    store.apply(*(person(f"p{number}", employee_number=str(number)) for number in range(7)))
    assert fill(store, BY_NUMBER) == 3
    assert len(keys(store)) == 7
    assert fill(store, BY_NUMBER) == 0
    assert store.database.read_blocking(lambda c: correlation_keys.is_done(c, BY_NUMBER))


def test_an_interrupted_backfill_starts_from_the_beginning(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(correlation_keys, "AT_ONCE", 3)
    store.apply(*(person(f"p{number}", employee_number=str(number)) for number in range(7)))
    fill(store, BY_NUMBER, steps=1)
    assert not store.database.read_blocking(lambda c: correlation_keys.is_done(c, BY_NUMBER))
    store.apply(person("p0", employee_number="new"), person("late", employee_number="8"))
    fill(store, BY_NUMBER)
    assert {key for *_, key in keys(store)} == {"new", "8", *map(str, range(1, 7))}


def test_keys_that_no_rule_names_any_more_are_removed_unless_another_process_may_need_them(store: Store) -> None:
    store.apply(person("anna", employee_number="7", email="a@x.test"))
    fill(store, BY_NUMBER)
    store.database.write_blocking(lambda c: correlation_keys.begin(c, BY_MUCH, beside_others=True))
    assert {name for _, name, _ in keys(store)} == {"employee_number"}
    assert store.database.read_blocking(object_keys.names)[Kind.USER] == {"employee_number", "email", "external_id"}
    fill(store, {Kind.GROUP: frozenset({"name"})})
    assert keys(store) == set()


def test_keys_follow_their_objects_until_these_are_gone(both_stores: Store) -> None:
    fill(both_stores, BY_NUMBER)
    both_stores.apply(person("anna", employee_number="7"))
    assert {key for *_, key in keys(both_stores)} == {"7"}
    both_stores.apply(person("anna", employee_number=("8", "9")))
    assert {key for *_, key in keys(both_stores)} == {"8", "9"}
    user = both_stores.user("anna")
    both_stores.database.write_blocking(lambda c: both_stores.door("local").erase(c, {user.id: Kind.USER}))
    assert keys(both_stores) == set()


def test_backfilled_posix_numbers_are_keys_too(store: Store) -> None:
    store.apply(person("anna"))
    fill(store, {Kind.USER: frozenset({"uid_number"})})
    numbers = PosixNumbers(Range(10_000, 10_999), Range(10_000, 10_999), None)
    store.database.write_blocking(lambda c: posix_numbers.fill(c, numbers, Kind.USER, "", store.time))
    assert keys(store) == {("user", "uid_number", "10000")}
