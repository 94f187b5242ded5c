"""Lookups see only what is in the application's scope, and never guess between two users."""

from collections.abc import Callable

import pytest

from gateway.directory.application_scope import lookups
from gateway.directory.application_scope.scoped_directory import ScopedDirectory
from gateway.model.applications import Scope
from gateway.model.errors import Conflict, NotFound
from gateway.model.objects import Origin
from tests.directory.application_scope.stored_directory import SOURCE, StoredDirectory


def look_up(directory: StoredDirectory, scope: Scope | None, find: Callable[[ScopedDirectory, str], str], asked: str) -> str:
    application, _ = directory.application("reader", scope)
    return directory.database.read_blocking(lambda connection: find(ScopedDirectory(connection, application), asked))


def test_an_address_of_two_users_is_a_conflict_unless_one_alone_is_in_scope(directory: StoredDirectory) -> None:
    inside, outside = directory.add_unit("inside"), directory.add_unit("outside")
    ann = directory.add_user("ann", inside, attributes={"email": ("a@example.org",)})
    directory.add_user("eve", outside, attributes={"email": ("A@example.org",)})
    assert look_up(directory, Scope((inside,)), lookups.user_id_by_email, "a@EXAMPLE.org") == ann
    application, _ = directory.application("all")
    with pytest.raises(Conflict, match="Several users have this mail address"):
        directory.database.read_blocking(lambda c: lookups.user_id_by_email(ScopedDirectory(c, application), "a@example.org"))


def test_a_user_outside_the_scope_is_not_found_by_its_name(directory: StoredDirectory) -> None:
    inside, outside = directory.add_unit("inside"), directory.add_unit("outside")
    directory.add_user("eve", outside)
    with pytest.raises(NotFound, match="no user with this user name"):
        look_up(directory, Scope((inside,)), lookups.user_id_by_username, "eve")


def test_an_organization_outside_the_scope_is_not_found_by_its_origin(directory: StoredDirectory) -> None:
    inside, _ = directory.add_unit("inside"), directory.add_unit("outside")

    def find(scoped: ScopedDirectory, name: str) -> str:
        return lookups.organization_id_by_origin(scoped, Origin("ldap", SOURCE, f"ext-{name}"))

    with pytest.raises(NotFound):
        look_up(directory, Scope((inside,)), find, "outside")
    application, _ = directory.application("other", Scope((inside,)))
    assert directory.database.read_blocking(lambda c: find(ScopedDirectory(c, application), "inside")) == inside
