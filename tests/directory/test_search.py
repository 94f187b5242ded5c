"""Searches: one state from the first slice to the last, however long they take; bases that are hidden; what Compare is told."""

import sqlite3
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from gateway.directory import reader as reader_module
from gateway.directory import search as search_module
from gateway.directory.access import Access, of_application, of_user
from gateway.directory.reader import BASE_OBJECT, WHOLE_SUBTREE, Reader, TooManySearches
from gateway.directory.search import NoSuchObject, Query, Search, ViewSearcher
from gateway.directory.updater import ViewUpdater
from gateway.directory.viewfile import ViewFile
from gateway.model.application import Application, Scope
from gateway.model.dn import DN
from gateway.wire import entries, filters
from tests.directory.worlds import BASE, START, World, group, openldap_view, organization, user

PEOPLE, GROUPS, UNITS = f"ou=people,{BASE}", f"ou=groups,{BASE}", f"ou=organizations,{BASE}"
NORTH, SOUTH = organization(1, "North"), organization(2, "South")
INSIDE = organization(3, "Inside", NORTH.id)
ANNA, BEN = user(10, "anna", [INSIDE.id], email=["anna@example.test"]), user(11, "ben", [SOUTH.id])
STAFF, SECRET = group(20, "Staff", gid_number=["7"]), group(21, "Secret")
EVERYTHING = Access(Scope())
IN_NORTH = Access(Scope((NORTH.id,), (STAFF.id,)))


class Bed:
    """A world, its view and a reader of it."""

    def __init__(self, folder: Path) -> None:
        self.world = World(folder)
        self.world.put(NORTH, SOUTH, INSIDE, ANNA, BEN, STAFF, SECRET)
        self.world.join(STAFF, ANNA, BEN)
        self.world.join(SECRET, ANNA)
        self.updater: ViewUpdater = self.world.build(openldap_view(), "view")
        self.reader = Reader(ViewFile(folder / "view", openldap_view()))

    def follow(self) -> None:
        self.updater.apply(self.world.log(self.updater.position))
        self.reader.refresh()

    def search(self, access: Access, text: str, base: str = BASE, scope: int = WHOLE_SUBTREE, *attributes: str) -> Search:
        name = DN.parse(base)
        query = Query(name, name.key, scope, filters.parse(text), attributes)
        return ViewSearcher(self.reader, access).search(query)

    def found(self, access: Access, text: str, base: str = BASE, scope: int = WHOLE_SUBTREE) -> list[str]:
        return sorted(entries.object_name(entry).decode() for entry in self.search(access, text, base, scope).at_once() or ())

    def values(self, access: Access, name: str, attribute: str) -> list[bytes]:
        found = self.search(access, "(objectClass=*)", name, BASE_OBJECT, attribute).at_once()
        assert found is not None
        return sorted(entries.values(found[0], attribute.lower().encode()))


@pytest.fixture
def bed(tmp_path: Path) -> Iterator[Bed]:
    made = Bed(tmp_path)
    yield made
    made.reader.close()
    made.updater.close()
    made.world.close()


def test_an_application_sees_its_organizations_with_everything_below_and_only_visible_members(bed: Bed) -> None:
    assert bed.found(IN_NORTH, "(|(objectClass=person)(objectClass=groupOfNames)(ou=North)(ou=South)(ou=Inside))") == [
        f"cn=Staff,{GROUPS}",
        f"ou=Inside,ou=North,{UNITS}",
        f"ou=North,{UNITS}",
        f"uid=anna,{PEOPLE}",
    ]
    assert bed.values(IN_NORTH, f"cn=Staff,{GROUPS}", "member") == [f"uid=anna,{PEOPLE}".encode()]
    assert bed.values(IN_NORTH, f"cn=Staff,{GROUPS}", "memberUid") == [b"anna"]
    assert bed.values(IN_NORTH, f"uid=anna,{PEOPLE}", "memberOf") == [f"cn=Staff,{GROUPS}".encode()]


@pytest.mark.parametrize(
    "text",
    [
        f"(member=uid=ben,{PEOPLE})",
        "(memberUid=ben)",
        f"(memberOf=cn=Secret,{GROUPS})",
        f"(distinguishedName=uid=ben,{PEOPLE})",
        f"(member:distinguishedNameMatch:=uid=ben,{PEOPLE})",
        f"(&(cn=Staff)(!(!(member=uid=ben,{PEOPLE}))))",
    ],
)
def test_no_filter_tells_of_a_membership_that_is_not_visible(bed: Bed, text: str) -> None:
    assert bed.found(EVERYTHING, text)
    assert bed.found(IN_NORTH, text) == []


def test_attributes_that_may_not_be_read_are_neither_shown_nor_asked_for_nor_compared(bed: Bed) -> None:
    narrow = replace(EVERYTHING, attributes=frozenset({"cn", "uid"}))
    assert bed.found(narrow, "(mail=anna@example.test)") == bed.found(narrow, "(!(mail=anna@example.test))") == []
    assert bed.found(narrow, "(uid=anna)") == [f"uid=anna,{PEOPLE}"]
    assert bed.values(narrow, f"uid=anna,{PEOPLE}", "mail") == []
    searcher = ViewSearcher(bed.reader, narrow)
    row = searcher.find(DN.parse(f"uid=anna,{PEOPLE}").key)
    assert searcher.values(row, "mail") is None
    assert searcher.values(row, "memberof") is None
    assert searcher.values(row, "uid") == [b"anna"]
    assert searcher.values(row, "title") is None
    assert ViewSearcher(bed.reader, EVERYTHING).values(row, "title") == []


def test_compare_is_told_the_visible_members_only(bed: Bed) -> None:
    searcher = ViewSearcher(bed.reader, IN_NORTH)
    row = searcher.find(DN.parse(f"cn=Staff,{GROUPS}").key)
    assert searcher.values(row, "member") == [f"uid=anna,{PEOPLE}".encode()]


def test_a_person_sees_the_own_entry_and_the_names_of_the_own_groups(bed: Bed) -> None:
    herself = of_user(ANNA.id)
    assert bed.found(herself, "(|(objectClass=person)(objectClass=groupOfNames))") == [f"uid=anna,{PEOPLE}"]
    assert bed.values(herself, f"uid=anna,{PEOPLE}", "memberOf") == [
        f"cn=Secret,{GROUPS}".encode(),
        f"cn=Staff,{GROUPS}".encode(),
    ]
    assert bed.found(of_application(Application("a", "a", START)), "(uid=ben)") == [f"uid=ben,{PEOPLE}"]


def test_a_scope_follows_the_organizations_as_they_move(bed: Bed) -> None:
    assert bed.found(IN_NORTH, "(uid=anna)")
    bed.world.put(replace(INSIDE, parent_id=SOUTH.id))
    bed.follow()
    assert bed.found(IN_NORTH, "(|(uid=anna)(ou=Inside))") == []
    bed.world.put(replace(BEN, organization_ids=(NORTH.id,)))
    bed.follow()
    assert bed.found(IN_NORTH, "(objectClass=person)") == [f"uid=ben,{PEOPLE}"]


@pytest.mark.parametrize(
    ("base", "matched"),
    [
        (f"uid=nobody,{PEOPLE}", PEOPLE),
        (f"uid=ben,{PEOPLE}", PEOPLE),
        (f"ou=x,ou=South,{UNITS}", UNITS),
        (f"ou=x,ou=Inside,ou=North,{UNITS}", f"ou=Inside,ou=North,{UNITS}"),
        (f"cn=Secret,{GROUPS}", GROUPS),
        ("dc=elsewhere", ""),
    ],
)
def test_a_base_that_is_hidden_is_as_if_it_did_not_exist(bed: Bed, base: str, matched: str) -> None:
    with pytest.raises(NoSuchObject) as caught:
        bed.search(IN_NORTH, "(objectClass=*)", base)
    assert caught.value.matched_dn == matched


def names(search: Search) -> list[str]:
    found = []
    while (some := search.next_slice(1)) is not None:
        found += [entries.object_name(entry).decode() for entry in some]
    return found


def test_a_sliced_search_sees_one_state_while_the_view_changes_memberships_and_rights_included(bed: Bed) -> None:
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


def test_as_many_snapshots_as_allowed_and_one_given_back_is_free_again(bed: Bed, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reader_module, "MAX_SNAPSHOTS", 2)
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


def test_a_search_that_cannot_begin_gives_its_snapshot_back(bed: Bed, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reader_module, "MAX_SNAPSHOTS", 1)
    search = bed.search(IN_NORTH, "(objectClass=*)")

    def fail(*_: object) -> None:
        raise sqlite3.OperationalError("disk I/O error")

    with monkeypatch.context() as patch, pytest.raises(sqlite3.OperationalError):
        patch.setattr(Reader, "visibility", fail)
        search.open()
    search.open()
    assert names(search)
    search.close()


def test_a_slice_that_takes_long_is_interrupted_from_another_thread_and_the_search_can_be_closed(bed: Bed) -> None:
    search = bed.search(EVERYTHING, "(cn=*n*)")
    search.open()
    begun = threading.Event()
    connection = search._connection
    assert connection is not None

    connection.set_progress_handler(begun.set, 1_000)
    endless = f"SELECT {reader_module.ENCODED} FROM entry e, value a, value b, value c, value d WHERE length(a.value) < 0"
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
    bed = Bed(tmp_path)
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


def test_more_entries_than_were_guessed_are_not_given_at_once(bed: Bed, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(search_module, "_ROWS_AT_ONCE", 3)
    assert bed.search(EVERYTHING, "(objectClass=person)").at_once() is not None
    assert bed.search(EVERYTHING, "(objectClass=*)").at_once() is None


@pytest.mark.parametrize("attributes", [(), ("uid", "mail")])
def test_the_direct_plan_of_an_equality_gives_what_the_search_gives(bed: Bed, attributes: tuple[str, ...]) -> None:
    base = DN.parse(BASE)
    query = Query(base, base.key, WHOLE_SUBTREE, filters.Equality("UID", b"ANNA"), attributes)
    searcher = ViewSearcher(bed.reader, EVERYTHING)
    plan = searcher.direct(query)
    assert plan is not None
    rows = bed.reader.execute(plan.sql, (*plan.base, plan.key(b"aNNa"))).fetchall()
    assert [plan.render(row[0]) if plan.render else row[0] for row in rows] == searcher.search(query).at_once()


@pytest.mark.parametrize(
    ("access", "text", "attributes"),
    [
        (IN_NORTH, "(uid=anna)", ()),
        (EVERYTHING, "(&(uid=anna)(cn=anna))", ()),
        (EVERYTHING, "(uid=anna)", ("memberOf",)),
        (EVERYTHING, f"(memberOf=cn=Staff,{GROUPS})", ()),
        (EVERYTHING, "(unknown=anna)", ()),
    ],
)
def test_what_needs_more_than_one_look_up_has_no_direct_plan(
    bed: Bed, access: Access, text: str, attributes: tuple[str, ...]
) -> None:
    base = DN.parse(BASE)
    query = Query(base, base.key, WHOLE_SUBTREE, filters.parse(text), attributes)
    assert ViewSearcher(bed.reader, access).direct(query) is None
