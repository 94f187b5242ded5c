"""Lists of an application: the same by number and by following ids, and only of what is in scope."""

import pytest

from gateway.directory.application_scope import listings
from gateway.directory.application_scope.listings import Listing
from gateway.directory.application_scope.scoped_directory import ScopedDirectory
from gateway.model.applications import Scope
from gateway.store.engine.database import Connection
from tests.directory.application_scope.stored_directory import StoredDirectory, person


@pytest.mark.parametrize("walk", [1, 3, 1000])
def test_a_page_by_number_is_walked_to_where_the_store_cannot_skip(monkeypatch: pytest.MonkeyPatch, walk: int) -> None:
    monkeypatch.setattr(listings, "WALK", walk)
    names = [f"n{number}" for number in range(7)]
    listing = Listing(
        follow=lambda after, limit: [name for name in names if name > after][:limit],
        total=lambda: len(names),
        id_of=lambda name: name,
    )
    assert [listing.page(offset, 3) for offset in (0, 3, 6, 9)] == [names[:3], names[3:6], names[6:], []]


def test_lists_hold_and_count_only_what_is_in_scope(directory: StoredDirectory) -> None:
    inside, outside = directory.add_unit("inside"), directory.add_unit("outside")
    ann, eve = directory.add_user("ann", inside), directory.add_user("eve", outside)
    staff, hidden = directory.add_group("staff", person(ann), person(eve)), directory.add_group("hidden", person(ann))
    application, _ = directory.application("reader", Scope((inside,), (staff,)))

    def work(connection: Connection) -> None:
        scoped = ScopedDirectory(connection, application)
        users = listings.list_users(scoped, None)
        assert ([one.user.id for one in users.page(0, 10)], users.total()) == ([ann], 1)
        groups = listings.list_groups(scoped, "")
        assert ([one.id for one in groups.page(0, 10)], groups.total()) == ([staff], 1)
        of_ann = listings.list_groups_of_user(scoped, scoped.user(ann))
        assert ([one.group_id for one in of_ann.follow("", 10)], of_ann.total()) == ([staff], 1)
        members = listings.list_users_of_group(scoped, scoped.group(staff))
        assert (members.follow("", 10), members.total()) == ([ann], 1)
        tops, total = listings.organizations_below(scoped, None, 0, 10)
        assert ([one.id for one in tops], total) == ([inside], 1)

    directory.database.read_blocking(work)
    assert hidden
