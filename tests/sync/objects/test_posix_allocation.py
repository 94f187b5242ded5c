"""POSIX numbers that are given here: once, for ever, never over a source's, never to two."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any
from unittest.mock import Mock

import pytest
import pytest_twisted
from hypothesis import given, settings
from hypothesis import strategies as st
from structlog.testing import capture_logs

from gateway.model.edits import Edit
from gateway.model.objects import Group, Kind, User
from gateway.store.engine.database import Connection
from gateway.store.objects import groups, posix_numbers, users
from gateway.store.objects.posix_numbers import Space
from gateway.store.operations import backfill_markers
from gateway.store.operations.backfill_markers import Marker
from gateway.sync.backfill.posix_numbers import FilledPage, PosixNumberBackfill, fill
from gateway.sync.inbound import Applied, Inbound, InboundSettings
from gateway.sync.local.source import LocalDoor
from gateway.sync.objects.posix_allocation import PosixNumbers, Range
from gateway.sync.rules.correlation import Reaction
from tests.sync.synced_store import UNGUARDED, Store, fresh_store, gone, group, person, renamed

SMALL = PosixNumbers(Range(10, 19), Range(10, 29))


@dataclass
class Numbered(Store):
    """A store whose doors give numbers."""

    numbers: PosixNumbers | None = field(default_factory=lambda: SMALL)

    def door(self, source_id: str = "hr", settings: InboundSettings | None = None) -> Inbound:
        return replace(super().door(source_id, settings), posix=self.numbers)

    def uid(self, name: str) -> str:
        return self.user(name).first("uid_number")

    def gid(self, name: str) -> str:
        return self.user(name).first("gid_number")

    def of_group(self, name: str) -> str:
        return self.a_group(name).first("gid_number")

    def a_group(self, name: str) -> Group:
        found = self.database.read_blocking(lambda c: groups.get(c, groups.same_name(c, name)[0]))
        assert found is not None
        return found


@pytest.fixture
def numbered(store: Store) -> Numbered:
    return Numbered(store.database, settings=UNGUARDED)


@pytest.fixture
def both_numbered(both_stores: Store) -> Numbered:
    return Numbered(both_stores.database, settings=UNGUARDED)


def test_people_get_a_number_and_a_private_group_of_the_same_and_groups_get_theirs(both_numbered: Numbered) -> None:
    store = both_numbered
    store.apply(person("anna"), person("bert"), group("staff", "uid=anna"))
    assert [(store.uid(name), store.gid(name)) for name in ("anna", "bert")] == [("10", "10"), ("11", "11")]
    assert store.of_group("staff") == "12"
    assert store.replayed() == store.directory(), "the log tells of the numbers"


def test_a_number_stays_through_whatever_happens_to_its_owner(both_numbered: Numbered) -> None:
    store = both_numbered
    store.apply(person("anna"), person("bert"), group("staff"))
    before = (store.uid("anna"), store.gid("anna"), store.of_group("staff"))
    store.apply(renamed(person("anna", title="Queen", external_id="u:anna"), "anne"), group("staff", "uid=anne"))
    store.compare(renamed(person("anna", external_id="u:anna"), "anne"), person("bert"), group("staff"), caught_up=True)
    assert (store.uid("anne"), store.gid("anne"), store.of_group("staff")) == before


def test_no_number_is_given_twice_also_when_its_owner_is_gone(numbered: Numbered) -> None:
    numbered.deleted = Reaction.DELETE
    numbered.apply(person("anna"), group("staff"))
    numbered.apply(gone(Kind.USER, "u:anna"), gone(Kind.GROUP, "g:staff"), allow_deletions=True)
    numbered.apply(person("anna"), group("staff"))
    assert (numbered.uid("anna"), numbered.of_group("staff")) == ("12", "13")


def test_a_sources_numbers_are_kept_and_not_given_again(both_numbered: Numbered) -> None:
    store = both_numbered
    store.apply(person("anna", uid_number="10", gid_number="11"), _with_gid(group("staff"), "13"))
    store.apply(person("bert"), person("carl"), group("all"))
    assert (store.uid("anna"), store.gid("anna"), store.of_group("staff")) == ("10", "11", "13")
    assert (store.uid("bert"), store.uid("carl"), store.of_group("all")) == ("12", "14", "15")


def test_numbers_of_one_batch_do_not_meet_those_that_a_source_gives_in_it(numbered: Numbered) -> None:
    numbered.apply(person("bert"), person("anna", uid_number="10", gid_number="11"))
    assert (numbered.uid("anna"), numbered.uid("bert")) == ("10", "12")


def test_a_number_that_a_source_begins_to_report_wins_and_the_one_given_here_comes_back_after_it(numbered: Numbered) -> None:
    numbered.apply(person("anna"))
    numbered.apply(person("anna", uid_number="5", gid_number="6"))
    assert (numbered.uid("anna"), numbered.gid("anna")) == ("5", "6")
    numbered.apply(person("bert"))
    assert numbered.uid("bert") == "11", "10 stays anna's"
    numbered.apply(person("anna", uid_number=(), gid_number=()))
    assert (numbered.uid("anna"), numbered.gid("anna")) == ("10", "10")


def test_a_user_with_a_sources_number_gets_a_private_group_of_it_unless_that_is_taken(numbered: Numbered) -> None:
    numbered.apply(_with_gid(group("staff"), "501"))
    numbered.apply(person("anna", uid_number="500"), person("bert", uid_number="501"))
    assert (numbered.gid("anna"), numbered.gid("bert")) == ("500", "10")


def test_all_users_are_in_one_primary_group_where_it_is_configured(numbered: Numbered) -> None:
    numbered.numbers = PosixNumbers(Range(10, 19), Range(10, 29), primary_gid=100)
    numbered.apply(person("anna"), person("bert", uid_number="7"), group("staff"))
    assert [(numbered.uid(name), numbered.gid(name)) for name in ("anna", "bert")] == [("10", "100"), ("7", "100")]
    assert numbered.of_group("staff") == "10"


def test_without_the_table_no_numbers_are_given_and_users_keep_those_that_they_have(numbered: Numbered) -> None:
    numbered.apply(person("anna"), group("staff"))
    numbered.numbers = None
    numbered.apply(person("anna", title="Queen"), person("bert"), group("staff", "uid=anna"), group("all"))
    assert (numbered.uid("anna"), numbered.gid("anna"), numbered.of_group("staff")) == ("10", "10", "11")
    assert (numbered.uid("bert"), numbered.of_group("all")) == ("", "")


def test_a_range_that_is_used_up_is_reported_and_nothing_fails(numbered: Numbered) -> None:
    applied = numbered.apply(*(person(f"p{n:02}") for n in range(12)))
    assert [numbered.uid(f"p{n:02}") for n in (0, 9, 10, 11)] == ["10", "19", "", ""]
    assert (numbered.gid("p09"), numbered.gid("p10")) == ("19", "")
    assert "uid_range (10 to 19) is used up, and 2 without a number are left" in _only(applied)
    numbered.numbers = PosixNumbers(Range(5, 40), Range(5, 40))
    numbered.apply(person("p10", title="x"))
    assert numbered.uid("p10") == "20"


def test_gaps_before_the_last_number_are_used_when_the_end_is_reached(numbered: Numbered) -> None:
    numbered.apply(person("anna", uid_number="18", gid_number="18"))
    numbered.numbers = PosixNumbers(Range(17, 19), Range(17, 19))
    numbered.apply(person("bert"))
    numbered.numbers = PosixNumbers(Range(15, 19), Range(15, 19))
    numbered.apply(person("carl"), person("dora"), person("emil"))
    assert [numbered.uid(name) for name in ("bert", "carl", "dora", "emil")] == ["17", "19", "15", "16"]


def test_two_users_of_one_number_from_their_sources_are_reported_and_not_changed(numbered: Numbered) -> None:
    numbered.apply(person("anna", uid_number="500", gid_number="500"))
    applied = numbered.apply(person("bert", uid_number="500", gid_number="500"), source="other")
    assert "uid number 500 is that of anna and bert" in _only(applied)
    assert (numbered.uid("anna"), numbered.uid("bert")) == ("500", "500")
    again = numbered.apply(person("bert", uid_number="500", gid_number="500", title="x"), source="other")
    assert again.problems == ()
    [one] = numbered.database.read_blocking(lambda c: posix_numbers.shared(c, 10))
    assert (one.space, one.number, one.names) == (Space.UID, 500, ("anna", "bert"))


def test_two_groups_of_one_number_are_reported(numbered: Numbered) -> None:
    applied = numbered.apply(_with_gid(group("staff"), "7"), _with_gid(group("all"), "7"))
    assert "gid number 7 is that of all and staff" in _only(applied)


def test_users_that_swap_numbers_share_none(numbered: Numbered) -> None:
    numbered.apply(person("anna", uid_number="1", gid_number="1"), person("bert", uid_number="2", gid_number="2"))
    applied = numbered.apply(person("anna", uid_number="2", gid_number="2"), person("bert", uid_number="1", gid_number="1"))
    assert applied.problems == ()


def test_a_user_that_is_made_here_is_numbered_too(numbered: Numbered) -> None:
    door = LocalDoor(lambda: numbered.time, SMALL)
    numbered.database.write_blocking(lambda c: door.create(c, Kind.USER, Edit({"username": ("lea",)})))
    assert (numbered.uid("lea"), numbered.gid("lea")) == ("10", "10")


# ---- who was here before


def filling(store: Numbered, numbers: PosixNumbers = SMALL) -> PosixNumberBackfill:
    return PosixNumberBackfill(store.database, numbers, lambda: store.time)


@pytest_twisted.ensureDeferred
async def test_users_of_before_are_numbered_after_the_start_and_the_log_has_it(numbered: Numbered) -> None:
    numbered.numbers = None
    numbered.apply(person("anna"), person("bert", uid_number="10", gid_number="100"), group("staff"))
    last = numbered.last()
    await filling(numbered).run()
    assert [(numbered.uid(name), numbered.gid(name)) for name in ("anna", "bert")] == [("11", "11"), ("10", "100")]
    assert numbered.of_group("staff") == "12"
    told = {change.object_id: change for change in numbered.log(last)}
    assert {change.source_id for change in told.values()} == {"local"}
    assert told.keys() == {numbered.user("anna").id, numbered.a_group("staff").id}
    numbered.apply(person("anna", title="x"))
    assert numbered.uid("anna") == "11", "the next report changes nothing of it"


@pytest_twisted.ensureDeferred
async def test_a_second_start_finds_nothing_to_do_until_a_user_lacks_a_number_again(numbered: Numbered) -> None:
    numbered.apply(person("anna"))
    await filling(numbered).run()
    assert numbered.database.read_blocking(lambda c: backfill_markers.get(c, Marker.POSIX_NUMBERS)) == SMALL.fingerprint
    numbered.numbers = None
    numbered.apply(person("bert"))
    assert numbered.database.read_blocking(lambda c: backfill_markers.get(c, Marker.POSIX_NUMBERS)) == ""
    await filling(numbered).run()
    assert numbered.uid("bert") == "11"


@pytest_twisted.ensureDeferred
async def test_a_range_that_does_not_suffice_for_all_is_filled_again_when_it_is_larger(numbered: Numbered) -> None:
    numbered.numbers = None
    numbered.apply(*(person(f"p{n:02}") for n in range(12)))
    await filling(numbered).run()
    assert numbered.database.read_blocking(lambda c: backfill_markers.get(c, Marker.POSIX_NUMBERS)) == ""
    await filling(numbered, PosixNumbers(Range(10, 39), Range(10, 39))).run()
    assert sorted(numbered.uid(f"p{n:02}") for n in range(12)) == [str(n) for n in range(10, 22)]


@pytest_twisted.ensureDeferred
async def test_groups_are_filled_though_the_range_of_people_is_used_up(numbered: Numbered) -> None:
    numbered.numbers = None
    numbered.apply(*(person(f"p{n:02}") for n in range(12)), group("staff"))
    await filling(numbered, PosixNumbers(Range(10, 19), Range(30, 39))).run()
    assert numbered.of_group("staff") == "30"


@pytest_twisted.ensureDeferred
async def test_a_backfill_that_fails_is_logged_and_nothing_else_fails(
    numbered: Numbered, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gateway.sync.backfill.posix_numbers.fill", Mock(side_effect=ValueError("a bug")))
    numbered.numbers = None
    numbered.apply(person("anna"))
    with capture_logs() as lines:
        await filling(numbered).run()
    assert [line["error"] for line in lines] == ["ValueError('a bug')"]


def test_a_step_of_the_back_fill_goes_on_behind_the_last(numbered: Numbered, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gateway.sync.backfill.posix_numbers.AT_ONCE", 2)
    numbered.numbers = None
    numbered.apply(*(person(f"p{n}") for n in range(5)))
    steps: list[int] = []
    after: str | None = ""
    while after is not None:
        filled = numbered.database.write_blocking(_step(after, numbered.time))
        steps.append(filled.numbered)
        after = filled.last_id
    assert steps == [2, 2, 1, 0]


def _step(after: str, now: datetime) -> Callable[[Connection], FilledPage]:
    return lambda connection: fill(connection, SMALL, Kind.USER, after, now)


# ---- laws


@settings(max_examples=40, deadline=None)
@given(st.data())
def test_law_whatever_is_reported_no_number_given_here_has_two_owners(data: st.DataObject) -> None:
    with fresh_store() as plain:
        store = Numbered(plain.database, settings=UNGUARDED, numbers=PosixNumbers(Range(1, 40), Range(1, 60)))
        ever: dict[tuple[str, str], set[str]] = {}
        for _ in range(data.draw(st.integers(1, 5))):
            store.apply(*data.draw(st.lists(_reports(), max_size=6)), allow_deletions=True)
            for thing in store.database.read_blocking(_everybody):
                kind = "uid" if isinstance(thing, User) else "gid"
                ever.setdefault((kind, thing.first(f"{kind}_number")), set()).add(thing.id)
                assert thing.first("gid_number"), "nobody is left without"
        given_here = store.database.read_blocking(_given)
        for (kind, number), owner in given_here.items():
            others = ever.get((kind, number), {owner}) - {owner}
            assert not others or number in _SAID, "given to one, had by another, and no source said so"


_SAID = ("3", "4", "30")


def _reports() -> st.SearchStrategy[Any]:
    names = st.sampled_from("abcdef")
    numbers = st.sampled_from([(), *_SAID])
    people = st.builds(lambda name, uid: person(name, uid_number=uid), names, numbers)
    groups = st.builds(lambda name, gid: _with_gid(group(name), gid), names, numbers)
    leaving = st.builds(lambda name: gone(Kind.USER, f"u:{name}"), names)
    return people | groups | leaving


def _with_gid(delta: Any, number: str | tuple[()]) -> Any:
    return replace(delta, attributes={**delta.attributes, "gid_number": (number,) if number else ()})


def _everybody(connection: Connection) -> list[User | Group]:
    return [*users.iterate(connection, "", 1000), *groups.iterate(connection, "", 1000)]


def _given(connection: Connection) -> dict[tuple[str, str], str]:
    ids = {thing.id for thing in _everybody(connection)}
    found = {}
    for space in Space:
        for owner, number in posix_numbers.allocated(connection, space, ids).items():
            found[space.value, str(number)] = owner
    return found


def _only(applied: Applied) -> str:
    [problem] = applied.problems
    return problem
