"""Searches: one state of the view from the first slice to the last, however long they take; interrupts and limits."""

import sqlite3
import threading
from collections.abc import Iterator
from dataclasses import replace
from itertools import chain
from pathlib import Path

import pytest

from gateway.directory.access import Access
from gateway.directory.search import direct_plan
from gateway.directory.search import search as search_module
from gateway.directory.search.query import Query
from gateway.directory.search.search import Search
from gateway.directory.search.shared import snapshot_pool
from gateway.directory.search.shared.snapshot_pool import TooManySearches
from gateway.directory.search.shared.visibility_cache import VisibilityCache
from gateway.directory.search.view_searcher import ViewSearcher
from gateway.directory.search.visible_rows import ENCODED
from gateway.directory.view_file.view_file import ViewFile
from gateway.model.ldap.dn import DN
from gateway.wire import entries, filters
from gateway.wire.messages import WHOLE_SUBTREE
from tests.directory.company import (
    ANNA,
    BEN,
    EVERYTHING,
    GROUPS,
    IN_NORTH,
    INSIDE,
    NORTH,
    PEOPLE,
    SECRET,
    SOUTH,
    STAFF,
    Company,
)
from tests.directory.worlds import BASE, group, user


@pytest.fixture
def bed(tmp_path: Path) -> Iterator[Company]:
    made = Company(tmp_path)
    yield made
    made.close()


def names(search: Search) -> list[str]:
    found = []
    while (some := search.next_slice(1)) is not None:
        found += [entries.object_name(entry).decode() for entry in some]
    return found


def test_law_7_a_sliced_search_sees_one_state_while_the_view_changes_memberships_and_rights_included(bed: Company) -> None:
    search = bed.search(IN_NORTH, "(objectClass=*)", BASE, WHOLE_SUBTREE, "memberOf", "member")
    search.open()
    expected = sorted(bed.search(IN_NORTH, "(objectClass=*)", BASE, WHOLE_SUBTREE, "memberOf", "member").at_once() or ())
    first = search.next_slice(2)
    bed.world.put(replace(INSIDE, parent_id=SOUTH.id), user(12, "cy", [NORTH.id]), replace(STAFF, name="Crew"))
    bed.world.delete(ANNA)
    bed.world.leave(STAFF, BEN)
    bed.follow()
    rest = []
    while (some := search.next_slice(2)) is not None:
        rest += some
    search.close()
    assert sorted([*(first or ()), *rest]) == expected
    assert f"uid=cy,{PEOPLE}" in bed.found(IN_NORTH, "(objectClass=*)")


def test_as_many_snapshots_as_allowed_and_one_given_back_is_free_again(bed: Company, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(snapshot_pool, "MAX_SNAPSHOTS", 2)
    one, other, third = (bed.search(EVERYTHING, "(objectClass=*)") for _ in range(3))
    one.open()
    other.open()
    with pytest.raises(TooManySearches):
        third.open()
    one.close()
    one.close()
    third.open()
    assert len(names(third)) == len(names(other)) == 11
    other.close()
    third.close()


def test_one_client_alone_leaves_snapshots_for_others_and_there_are_some_for_the_third(
    bed: Company, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(snapshot_pool, "MAX_SNAPSHOTS", 100)
    clients = ("192.0.2.1", "192.0.2.2", "192.0.2.3")
    searches = {client: as_many_as_it_gets(bed, client) for client in clients}
    assert [len(searches[client]) for client in clients] == [80, 16, 4]
    for search in chain.from_iterable(searches.values()):
        search.close()
    assert [len(as_many_as_it_gets(bed, client)) for client in clients] == [80, 16, 4]


def as_many_as_it_gets(bed: Company, client: str) -> list[Search]:
    opened: list[Search] = []
    with pytest.raises(TooManySearches):
        while True:
            opened.append(bed.search(EVERYTHING, "(objectClass=*)"))
            opened[-1].open(client)
    return opened[:-1]


def test_a_search_that_cannot_begin_gives_its_snapshot_back(bed: Company, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(snapshot_pool, "MAX_SNAPSHOTS", 1)
    search = bed.search(IN_NORTH, "(objectClass=*)")

    def fail(*_: object) -> None:
        raise sqlite3.OperationalError("disk I/O error")

    with monkeypatch.context() as patch, pytest.raises(sqlite3.OperationalError):
        patch.setattr(VisibilityCache, "get", fail)
        search.open()
    search.open()
    assert names(search)
    search.close()


class Interrupted(sqlite3.Connection):
    """Cannot end its transaction."""

    def rollback(self) -> None:
        raise sqlite3.OperationalError("interrupted")


def test_a_snapshot_that_is_given_back_while_an_interrupt_is_in_effect_is_not_used_again(
    bed: Company, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = bed.reader.snapshots._file.path
    monkeypatch.setattr(ViewFile, "open_reader", lambda *_: sqlite3.connect(path, factory=Interrupted, isolation_level=None))
    search = bed.search(EVERYTHING, "(objectClass=*)")
    search.open()
    search.close()
    monkeypatch.undo()
    search = bed.search(EVERYTHING, "(objectClass=*)")
    search.open()
    assert len(names(search)) == 11
    search.close()


def test_a_slice_that_takes_long_is_interrupted_from_another_thread_and_the_search_can_be_closed(bed: Company) -> None:
    search = bed.search(EVERYTHING, "(cn=*n*)")
    search.open()
    begun = threading.Event()
    connection = search._connection
    assert connection is not None
    connection.set_progress_handler(begun.set, 1_000)
    nothing = "length(a.value) + length(b.value) + length(c.value) + length(d.value) < 0"
    endless = f"SELECT {ENCODED} FROM entry e, value a, value b, value c, value d WHERE {nothing}"
    search._prepared = replace(search._prepared, sql=endless)
    search._parameters = ()
    raised: list[BaseException] = []

    def take() -> None:
        try:
            search.next_slice()
        except BaseException as error:
            raised.append(error)

    thread = threading.Thread(target=take)
    thread.start()
    assert begun.wait(10)
    search.interrupt()
    thread.join(10)
    connection.set_progress_handler(None, 0)
    assert [type(error) for error in raised] == [sqlite3.OperationalError]
    closing = threading.Thread(target=search.close)
    closing.start()
    closing.join(10)
    search.interrupt()
    assert bed.found(EVERYTHING, "(uid=anna)")


def test_a_search_that_is_open_when_the_reader_is_closed_goes_on_to_its_end(tmp_path: Path) -> None:
    bed = Company(tmp_path)
    search = bed.search(EVERYTHING, "(objectClass=*)", BASE, WHOLE_SUBTREE, "memberOf")
    search.open()
    search.next_slice(1)
    generation = bed.reader.generation
    bed.reader.close()
    bed.updater.build()
    assert len(names(search)) == 10
    search.close()
    assert bed.reader.generation > generation, "nobody goes on with what was prepared for it"
    bed.updater.close()
    bed.world.close()


def test_more_entries_than_were_guessed_are_not_given_at_once(bed: Company, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(search_module, "_ROWS_AT_ONCE", 3)
    monkeypatch.setattr(search_module, "PROBED", 3)
    assert bed.search(EVERYTHING, "(objectClass=person)").at_once() is not None
    assert bed.search(EVERYTHING, "(objectClass=*)").at_once() is None


IS_ANNA = filters.Equality("UID", b"ANNA")
IS_PERSON = filters.Equality("objectClass", b"person")
HAS_ANNA = filters.Equality("member", f"uid=anna,ou=people,{BASE}".encode())
IS_GROUP = filters.Equality("objectclass", b"GroupOfNames")


@pytest.mark.parametrize("attributes", [(), ("uid", "mail"), ("uid", "memberOf"), ("*", "+")])
@pytest.mark.parametrize("asserted", [(IS_ANNA,), (IS_PERSON, IS_ANNA), (HAS_ANNA,), (HAS_ANNA, IS_GROUP)])
def test_the_direct_plan_of_equalities_gives_the_entries_of_the_search(
    bed: Company, asserted: tuple[filters.Equality, ...], attributes: tuple[str, ...]
) -> None:
    item = asserted[0] if len(asserted) == 1 else filters.And(asserted)
    base = DN.parse(BASE)
    query = Query(base, base.key, WHOLE_SUBTREE, item, attributes)
    searcher = ViewSearcher(bed.reader, EVERYTHING)
    plan = direct_plan.prepare(searcher, query)
    assert plan is not None
    told = [one.value for one in asserted if one not in (IS_PERSON, IS_GROUP)]  # what an entry is, the plan knows
    keys = [key(value) for key, value in zip(plan.keys, told, strict=True)]
    rows = bed.reader.execute(plan.sql, (*plan.base, *keys)).fetchall()
    assert [plan.render(row) if plan.render else row[0] for row in rows] == Search(searcher, query).at_once()


@pytest.mark.parametrize(
    ("access", "text", "attributes"),
    [
        (IN_NORTH, "(uid=anna)", ()),
        (EVERYTHING, "(&(uid=anna)(!(cn=anna)))", ()),
        (EVERYTHING, f"(memberOf=cn=Staff,{GROUPS})", ()),
        (EVERYTHING, "(unknown=anna)", ()),
    ],
)
def test_a_search_that_needs_more_than_one_look_up_has_no_direct_plan(
    bed: Company, access: Access, text: str, attributes: tuple[str, ...]
) -> None:
    base = DN.parse(BASE)
    query = Query(base, base.key, WHOLE_SUBTREE, filters.parse(text), attributes)
    assert direct_plan.prepare(ViewSearcher(bed.reader, access), query) is None


def direct_answer(bed: Company, login: bytes) -> list[bytes]:
    """memberOf as the direct plan tells it, which must be what the search tells."""
    base = DN.parse(BASE)
    query = Query(base, base.key, WHOLE_SUBTREE, filters.Equality("uid", login), ("uid", "memberOf"))
    searcher = ViewSearcher(bed.reader, EVERYTHING)
    plan = direct_plan.prepare(searcher, query)
    assert plan is not None
    assert plan.render is not None
    rows = bed.reader.execute(plan.sql, (*plan.base, plan.keys[0](login))).fetchall()
    told = [plan.render(row) for row in rows]
    assert told == Search(searcher, query).at_once()
    return entries.values(told[0], b"memberof")


def test_the_direct_plan_shows_the_groups_as_they_are_by_now(bed: Company) -> None:
    staff, secret, crew = (f"cn={name},{GROUPS}".encode() for name in ("Staff", "Secret", "Crew"))
    assert direct_answer(bed, b"anna") == [secret, staff]
    bed.world.put(replace(STAFF, name="Crew"))
    bed.follow()
    assert direct_answer(bed, b"anna") == [crew, secret]
    assert direct_answer(bed, b"ben") == [crew]
    bed.world.leave(SECRET, ANNA)
    bed.follow()
    assert direct_answer(bed, b"anna") == [crew]
    bed.world.delete(STAFF)
    bed.follow()
    assert direct_answer(bed, b"anna") == direct_answer(bed, b"ben") == []


def test_the_direct_plan_shows_all_groups_of_a_user_in_very_many(bed: Company) -> None:
    many = [group(1000 + number, f"Many {number:03}") for number in range(300)]
    bed.world.put(*many)
    for one in many:
        bed.world.join(one, BEN)
    bed.follow()
    assert len(direct_answer(bed, b"ben")) == 301
    bed.world.put(replace(many[7], name="Few"))
    bed.follow()
    assert f"cn=Few,{GROUPS}".encode() in direct_answer(bed, b"ben")


def test_names_of_a_group_that_has_gone_meanwhile_are_left_out(bed: Company) -> None:
    (known,) = bed.reader.execute("SELECT id FROM entry WHERE dn_key = ?", (DN.parse(f"cn=Staff,{GROUPS}").key,)).fetchone()
    assert bed.reader.names.of([known, 1_000_000]) == [f"cn=Staff,{GROUPS}".encode()]
    assert bed.reader.names.member_of("1000000", bed.reader.position) == b""
