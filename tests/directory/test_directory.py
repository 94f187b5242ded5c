"""The views side by side: the view that a name lies in, and the parties that may search it."""

from types import SimpleNamespace

import pytest

from gateway.directory.access import Access
from gateway.directory.directory import Directory, Party, ViewNotReady
from gateway.model.applications import Scope
from gateway.model.ldap import dn
from gateway.model.ldap.dn import DN
from tests.directory.worlds import openldap_view

OUTER, INNER, OTHER = openldap_view("outer", "dc=x"), openldap_view("inner", "ou=in,dc=x"), openldap_view("other", "o=y")


@pytest.fixture
def directory() -> Directory:
    return Directory([SimpleNamespace(view=view, reader=None) for view in (OUTER, INNER, OTHER)])


def party(*views: str) -> Party:
    return Party("cn=a", views, Access(Scope()))


@pytest.mark.parametrize(
    ("views", "base", "expected"),
    [
        (("outer", "inner"), "uid=a,ou=in,dc=x", "inner"),
        (("outer",), "uid=a,ou=in,dc=x", "outer"),
        (("outer", "inner"), "DC=X", "outer"),
        (("other",), "dc=x", None),
        (("outer", "other"), "dc=xx", None),
        (("outer",), "", None),
        (("gone",), "dc=x", None),
    ],
)
def test_a_search_goes_to_the_nearest_view_that_is_granted(
    directory: Directory, views: tuple[str, ...], base: str, expected: str | None
) -> None:
    view = directory.view_of(party(*views), dn.key(base))
    assert (view.name if view else None) == expected


def test_a_name_that_binds_lies_in_the_nearest_view_granted_or_not(directory: Directory) -> None:
    assert directory.view_at(DN.parse("uid=A,ou=in,dc=x").key) == INNER
    assert directory.view_at(DN.parse("dc=nowhere").key) is None


def test_a_view_that_is_being_built_is_not_an_empty_one(directory: Directory) -> None:
    with pytest.raises(ViewNotReady, match="the view inner is being built"):
        directory.searcher("inner", Access(Scope()))


def test_granted_views_come_by_name_and_unknown_names_are_no_views(directory: Directory) -> None:
    assert directory.granted(party("other", "gone", "outer")) == (OTHER, OUTER)
    assert [view.name for view in directory.views] == ["outer", "inner", "other"]
