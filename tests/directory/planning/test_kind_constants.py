"""Kind constants: an assertion about object classes or the category that the kind decides costs nothing."""

import pytest

from gateway.directory.planning.filter_shape import FALSE, Shaper
from gateway.directory.planning.kind_constants import KindConstants
from gateway.directory.projection import view_kinds
from gateway.directory.projection.view_definition import View
from gateway.model.ldap import matching_rules
from gateway.model.ldap.dn import DN
from gateway.wire.filters import Equality

BASE = DN.parse("dc=example,dc=test")


def kinds(view: View, attribute: str, value: bytes) -> tuple[str, ...] | None:
    key = matching_rules.equality_key(attribute, value)
    assert key is not None
    found = KindConstants(view).kinds(attribute, key)
    return None if found is None else tuple(sorted(found))


OPENLDAP, AD = view_kinds.openldap("openldap", BASE), view_kinds.active_directory("ad", BASE)


@pytest.mark.parametrize(
    ("view", "attribute", "value", "expected"),
    [
        (OPENLDAP, "objectclass", b"PERSON", ("user",)),
        (OPENLDAP, "objectclass", b"inetOrgPerson", ("user",)),
        (OPENLDAP, "objectclass", b"groupOfNames", ("group", "private_group")),
        (OPENLDAP, "objectclass", b"device", ()),
        (AD, "objectclass", b"user", ("user",)),
        (AD, "objectcategory", b"person", ("user",)),
        (AD, "objectcategory", b"group", ("group", "private_group")),
        (OPENLDAP, "objectcategory", b"person", ()),
    ],
)
def test_an_assertion_that_all_entries_of_a_kind_match_is_one_about_the_kind(
    view: View, attribute: str, value: bytes, expected: tuple[str, ...]
) -> None:
    assert kinds(view, attribute, value) == expected


@pytest.mark.parametrize(
    ("view", "value"), [(OPENLDAP, b"posixAccount"), (OPENLDAP, b"organizationalUnit"), (AD, b"organizationalUnit")]
)
def test_a_class_of_some_entries_of_a_kind_is_looked_up(view: View, value: bytes) -> None:
    assert kinds(view, "objectclass", value) is None


@pytest.mark.parametrize("view", [OPENLDAP, AD], ids=["openldap", "ad"])
def test_an_impossible_class_leaves_nothing_behind_in_the_shapes_that_are_kept(view: View) -> None:
    shaper = Shaper(view, None, narrowed=False)
    asked = [Equality("objectClass", f"stranger{number}".encode()) for number in range(3)]
    assert {shaper.shape(item, []) for item in asked} == {FALSE}
