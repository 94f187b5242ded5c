"""The journal: a client that applies its events equals the view, and learns of nothing that it could not see."""

from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from pathlib import Path
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.directory.access import Access, UserAccess, of_user
from gateway.directory.journal.journal import Journal
from gateway.directory.journal.journal_reader import Event, EventKind
from gateway.directory.projection.view_definition import View
from gateway.directory.search.query import Query
from gateway.directory.search.view_reader import ViewReader
from gateway.directory.search.view_searcher import ViewSearcher
from gateway.directory.view_file import history, view_file
from gateway.directory.view_file.csn import Moment
from gateway.directory.view_file.view_file import ViewFile
from gateway.model.applications import Scope
from gateway.model.ldap.dn import DN
from gateway.wire import entries, filters
from gateway.wire.messages import SINGLE_LEVEL, WHOLE_SUBTREE
from tests.directory.company import (
    ANNA,
    BEN,
    EVERYTHING,
    GROUPS,
    IN_NORTH,
    INSIDE,
    PEOPLE,
    SECRET,
    SOUTH,
    STAFF,
    Company,
)
from tests.directory.materialization.test_laws import follow, worlds
from tests.directory.random_worlds import History
from tests.directory.replicas import Replica
from tests.directory.view_shapes import SHAPES
from tests.directory.worlds import BASE, group, user

law = settings(deadline=None, max_examples=40)
FILTERS = ("(objectClass=*)", "(objectClass=person)", "(description=anna)", "(!(cn=ben))", "(member=*)")


def journal(
    reader: ViewReader, access: Access, text: str = "(objectClass=*)", base: str = BASE, scope: int = WHOLE_SUBTREE
) -> Journal:
    name = DN.parse(base)
    return Journal(ViewSearcher(reader, access), Query(name, name.key, scope, filters.parse(text), ("*", "entryUUID")))


def random_access(random: Random, past: History) -> Access:
    if random.random() < 0.3 or not past.organizations:
        person = frozenset(random.sample(list(past.users), min(1, len(past.users))))
        return Access(only=person, own=random.random() < 0.7)
    units = random.sample(list(past.organizations), random.randrange(1, min(3, len(past.organizations) + 1)))
    groups = None if random.random() < 0.5 else tuple(random.sample(list(past.groups), len(past.groups) // 2))
    return Access(Scope(tuple(units), groups))


@law
@given(st.sampled_from(list(SHAPES.values())), st.integers(0, 2**64), st.booleans())
def test_a_replica_that_applies_the_events_equals_the_view(view: View, seed: int, narrowed: bool) -> None:
    random = Random(seed)
    with worlds() as world:
        past = History(world, random)
        for _ in range(10):
            past.step()
        updater = world.build(view, "followed")
        with closing(ViewReader(ViewFile(world.folder / "followed", view))) as reader:
            access = random_access(random, past) if narrowed else EVERYTHING
            read = journal(reader, access, random.choice(FILTERS) if random.random() < 0.5 else FILTERS[0], str(view.base))
            replica = Replica()
            position, resumed = replica.read(read.everything(), random.choice((1, 3, 500))), False
            for _ in range(12):
                past.step()
                if random.random() < 0.6:
                    while follow(world, updater, random.choice((1, 2, 1000))):
                        reader.refresh()
                        reading = read.since(position, resumed=resumed)
                        if random.random() < 0.3:  # the connection breaks
                            replica.read(reading, 1, random.randrange(8))
                            resumed = True
                            if access.own:  # which knows no earlier moment: it is sent everything again
                                replica = Replica()
                                position, resumed = replica.read(read.everything(), 3), False
                        elif random.random() < 0.6:
                            position, resumed = replica.read(reading, random.choice((1, 3, 500))), False
            position = replica.read(read.since(position, resumed=resumed), 500)
            fresh = Replica()
            assert fresh.read(read.everything(), 500) == position
            assert replica.entries == fresh.entries
            assert replica.keys == fresh.keys
        updater.close()


@pytest.fixture
def company(tmp_path: Path) -> Iterator[Company]:
    made = Company(tmp_path)
    yield made
    made.close()


@contextmanager
def told(company: Company, *journals: Journal) -> Iterator[list[list[tuple[EventKind, str, str | None]]]]:
    """The events that each search reports of the changes made inside the block."""
    before = company.reader.position
    found: list[list[tuple[EventKind, str, str | None]]] = []
    yield found
    company.follow()
    for one in journals:
        reading = one.since(before)
        reading.open()
        events: list[Event] = []
        while (some := reading.next_slice(2)) is not None:
            events += some
        reading.close()
        found.append([(event.kind, entries.object_name(event.entry).decode(), event.former_dn) for event in events])


def test_each_kind_of_change_is_reported_as_its_event_kind(company: Company) -> None:
    all_ = journal(company.reader, EVERYTHING)
    new = user(12, "cy", [SOUTH.id])
    with told(company, all_) as found:
        company.world.put(new, replace(ANNA, username="anne"), replace(SOUTH, attributes={"description": ("warm",)}))
        company.world.delete(BEN)
    assert sorted(found[0]) == [
        (EventKind.ADDED, f"uid=cy,{PEOPLE}", None),
        (EventKind.REMOVED, f"uid=ben,{PEOPLE}", None),
        (EventKind.MODIFIED, f"cn=Secret,{GROUPS}", None),
        (EventKind.MODIFIED, f"cn=Staff,{GROUPS}", None),
        (EventKind.MODIFIED, f"ou=South,ou=organizations,{BASE}", None),
        (EventKind.RENAMED, f"uid=anne,{PEOPLE}", f"uid=anna,{PEOPLE}"),
    ]


def test_an_entry_that_ceases_to_be_visible_is_removed_and_one_that_never_was_is_not_reported(company: Company) -> None:
    north, south = journal(company.reader, IN_NORTH), journal(company.reader, Access(Scope((SOUTH.id,), ())))
    with told(company, north, south) as found:
        company.world.put(replace(ANNA, organization_ids=(SOUTH.id,), username="anne"))
    assert (EventKind.REMOVED, f"uid=anna,{PEOPLE}", None) in found[0]
    assert not any("anne" in name for _, name, _ in found[0])
    assert found[1] == [(EventKind.ADDED, f"uid=anne,{PEOPLE}", None)]

    with told(company, north) as found:
        company.world.put(replace(BEN, username="benjamin"))
        company.world.delete(SECRET, replace(BEN, username="benjamin"))
    assert found == [[(EventKind.MODIFIED, f"cn=Staff,{GROUPS}", None)]]  # which lists them, for others


def test_people_of_an_organization_that_moves_out_of_sight_are_removed_and_groups_list_them_no_more(company: Company) -> None:
    north = journal(company.reader, IN_NORTH)
    with told(company, north) as found:
        company.world.put(replace(INSIDE, parent_id=SOUTH.id))
    assert sorted(found[0]) == [
        (EventKind.REMOVED, f"ou=Inside,ou=North,ou=organizations,{BASE}", None),
        (EventKind.REMOVED, f"uid=anna,{PEOPLE}", None),
        (EventKind.MODIFIED, f"cn=Staff,{GROUPS}", None),
    ]


def test_an_entry_that_leaves_the_scope_or_no_longer_matches_is_removed(company: Company) -> None:
    inside_north = journal(company.reader, EVERYTHING, base=f"ou=North,ou=organizations,{BASE}", scope=SINGLE_LEVEL)
    with_mail = journal(company.reader, EVERYTHING, "(mail=*)")
    with told(company, inside_north, with_mail) as found:
        company.world.put(replace(INSIDE, parent_id=SOUTH.id), replace(ANNA, attributes={}))
    assert found[0] == [(EventKind.REMOVED, f"ou=Inside,ou=North,ou=organizations,{BASE}", None)]
    assert (EventKind.REMOVED, f"uid=anna,{PEOPLE}", None) in found[1]


def test_a_name_is_given_up_before_another_entry_takes_it(company: Company) -> None:
    with told(company, journal(company.reader, EVERYTHING, base=PEOPLE)) as found:
        company.world.update_users([replace(ANNA, username="ben"), replace(BEN, username="anna")])
    assert [happened for happened, *_ in found[0]] == [EventKind.REMOVED] * 2 + [EventKind.ADDED] * 2


def test_the_mark_depends_on_search_and_access_and_a_plain_replicas_is_the_views(company: Company) -> None:
    def mark(access: Access, text: str = "(objectclass=*)", base: str = BASE, *attributes: str) -> int:
        name = DN.parse(base)
        query = Query(name, name.key, WHOLE_SUBTREE, filters.parse(text), attributes or ("*", "entryUUID", "entryCSN"))
        return Journal(ViewSearcher(company.reader, access), query).mark

    marks = [
        mark(EVERYTHING),
        mark(IN_NORTH),
        mark(replace(IN_NORTH, attributes=frozenset({"cn"}))),
        mark(EVERYTHING, "(cn=*)"),
        mark(EVERYTHING, base=PEOPLE),
        mark(EVERYTHING, "(objectclass=*)", BASE, "cn"),
    ]
    assert len(set(marks)) == len(marks)
    assert marks[0] == view_file.read_meta(company.reader.connection, "mark")


def test_only_moments_of_this_log_that_are_remembered_are_known(company: Company) -> None:
    read = journal(company.reader, EVERYTHING)
    built = history.latest(company.reader.connection)
    company.world.put(user(12, "cy"))
    company.follow()
    now = history.latest(company.reader.connection)
    assert now.number == built.number + 1
    assert read.knows(built)
    assert read.knows(now)
    assert not read.knows(Moment(now.number, now.time + 1))  # another history of the same length
    assert not read.knows(Moment(now.number + 1, now.time))  # the future: a store restored from a backup
    assert not read.knows(Moment(built.number - 1, built.time))


def test_the_history_is_bounded_and_the_floor_moves_up(company: Company, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(history, "FORMER_KEPT", 3)
    built = history.latest(company.reader.connection)
    for number in range(6):
        company.world.put(replace(ANNA, username=f"anna{number}"))
        company.follow()
    kept = company.reader.connection.execute("SELECT count(*) FROM former").fetchone()[0]
    assert kept == 3
    assert view_file.floor(company.reader.connection) == built.number + 3
    assert not journal(company.reader, EVERYTHING).knows(built)

    monkeypatch.setattr(history, "CHANGES_KEPT", 1)
    company.world.put(group(22, "New"), replace(STAFF, name="Crew"))
    company.follow()
    now = history.latest(company.reader.connection)
    assert view_file.floor(company.reader.connection) == now.number - 1
    assert company.reader.connection.execute("SELECT count(*) FROM moment").fetchone()[0] == 2


def test_a_person_is_told_of_groups_and_organizations_entered_and_left_and_of_no_others(company: Company) -> None:
    anna = journal(company.reader, of_user(ANNA.id, UserAccess.OWN))
    new, units = group(30, "New"), f"ou=organizations,{BASE}"
    with told(company, anna) as found:
        company.world.put(new)
        company.world.join(new, BEN)
        company.world.leave(SECRET, ANNA)
        company.world.put(replace(ANNA, organization_ids=(SOUTH.id,)))
    assert found[0] == [
        (EventKind.ADDED, f"ou=South,{units}", None),
        (EventKind.MODIFIED, f"uid=anna,{PEOPLE}", None),
        (EventKind.REMOVED, f"cn=Secret,{GROUPS}", None),
        (EventKind.REMOVED, f"ou=Inside,ou=North,{units}", None),
        (EventKind.REMOVED, f"ou=North,{units}", None),
    ]
    with told(company, anna) as found:
        company.world.join(new, STAFF)
    assert found[0] == [(EventKind.ADDED, f"cn=New,{GROUPS}", None)]
    with told(company, anna) as found:
        company.world.delete(new)
        company.world.delete(SECRET)
    assert found[0] == [(EventKind.REMOVED, f"cn=New,{GROUPS}", None)]


def test_a_person_who_comes_again_is_sent_everything_for_earlier_groups_are_not_kept(company: Company) -> None:
    moment = history.latest(company.reader.connection)
    assert journal(company.reader, EVERYTHING).knows(moment)
    assert not journal(company.reader, of_user(ANNA.id, UserAccess.OWN)).knows(moment)
