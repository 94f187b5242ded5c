"""Groups by the beginning of their names."""

from gateway.store.engine.database import Database
from gateway.store.objects import groups
from tests.store.samples import group


def test_groups_are_found_by_the_beginning_of_their_name(database: Database) -> None:
    database.write_blocking(lambda c: groups.insert(c, [group(1, "Admins"), group(2, "admin-b"), group(3, "Users")]))
    page = database.read_blocking(lambda c: groups.page(c, "ADMIN", None, "", 10))
    assert [found.name for found in page] == ["Admins", "admin-b"]
    assert database.read_blocking(lambda c: groups.count(c, "admin", ["g001", "g003"])) == 1
    assert [g.id for g in database.read_blocking(lambda c: groups.page(c, "", None, "g001", 1))] == ["g002"]
