"""The queries of an application's scope give on PostgreSQL what they give on SQLite."""

from collections.abc import Iterator

import pytest
import pytest_twisted

from gateway.directory.application_scope.snapshot import Snapshot
from gateway.model.applications import Scope
from gateway.store.engine.database import Connection, Database
from gateway.store.engine.migrate import migrate
from gateway.store.objects import organizations, scoped_queries
from tests.directory.application_scope.reader import Reader, present
from tests.directory.application_scope.stored_directory import StoredDirectory, person


@pytest.fixture
def database(postgres_database: str) -> Iterator[Database]:
    """An empty store on PostgreSQL."""
    opened = Database(postgres_database)
    migrate(opened)
    yield opened
    opened.close()


def test_narrowed_reading_finds_what_is_within_and_pages_by_id(directory: StoredDirectory, database: Database) -> None:
    inside, outside = directory.add_unit("inside"), directory.add_unit("outside")
    people = [directory.add_user(f"u{n}", (inside, outside)[n % 2], attributes={"email": ("A@x.org",)}) for n in range(6)]
    both = directory.add_user("both", inside, outside, attributes={"phone_number": ("+49 1",)})
    group = directory.add_group("group", *map(person, [*people, both]))
    within = frozenset({inside})
    expected = [*people[::2], both]

    def work(c: Connection) -> None:
        assert [user.id for user in scoped_queries.users_in(c, within, "", 10)] == expected
        assert [user.id for user in scoped_queries.users_in(c, within, expected[0], 2)] == expected[1:3]
        assert scoped_queries.group_users(c, group, within, "", 10) == expected
        assert scoped_queries.group_users(c, group, None, people[4], 10) == [people[5], both]
        assert scoped_queries.count_group_users(c, group, within) == 4
        assert sorted(scoped_queries.ids_by_email(c, "a@X.org")) == sorted(people)
        assert scoped_queries.ids_by_phone_number(c, "00491") == [both]
        assert scoped_queries.ids_by_phone_number(c, "none") == []
        moves = scoped_queries.organization_changes(c, 1, 10)
        assert [change.object_id for change in moves] == [inside, outside]

    database.read_blocking(work)


@pytest_twisted.ensureDeferred
async def test_snapshot_and_change_feed_end_with_what_is_in_scope(directory: StoredDirectory, database: Database) -> None:
    inside, outside = directory.add_unit("inside"), directory.add_unit("outside")
    moving = directory.add_unit("moving", outside)
    ann, bob = directory.add_user("ann", inside), directory.add_user("bob", moving)
    group = directory.add_group("group", person(ann), person(bob))
    application, _ = directory.application("a", Scope((inside,), (group,)))
    snapshot = await Snapshot.begin(database, application, lambda _: None)
    reader = Reader(database, application, snapshot.position)
    async for chunk in snapshot.chunks(list):
        for item in chunk:
            reader.copy.put_snapshot(item)
    assert set(reader.copy.objects) == {inside, ann, group}
    directory.move_unit(moving, inside)
    directory.move_user(ann, outside)
    directory.delete_unit(moving)
    reader.read_all(1)
    assert reader.copy.comparable() == present(database, application).comparable()
    assert reader.copy.members[group] == {bob}
    assert database.read_blocking(lambda c: organizations.count(c)) == 3
