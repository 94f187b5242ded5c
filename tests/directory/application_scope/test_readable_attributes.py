"""An application's grant is in LDAP's words, and holds for our names of the same attributes."""

from collections import defaultdict
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from gateway.directory.application_scope.readable_attributes import readable_by
from gateway.directory.projection.view_kinds import KINDS
from gateway.model.applications import Application
from gateway.model.attributes import USER_ATTRIBUTES
from gateway.model.ldap.dn import DN
from gateway.model.objects import Kind

READER = Application("app_x", "reader", datetime(2026, 11, 1, tzinfo=UTC))
NAMES_AND_STATUS = {"username", "enabled", "password_changed"}


@pytest.mark.parametrize(("name", "readable"), [("email", True), ("title", True), ("phone_number", False), ("sn", False)])
def test_a_grant_of_mail_and_title_shows_these_alone(name: str, readable: bool) -> None:
    assert readable_by(replace(READER, attributes=frozenset({"mail", "title"})))(name) is readable


@pytest.mark.parametrize(
    ("granted", "name"),
    [("surname", "family_name"), ("0.9.2342.19200300.100.1.3", "email"), ("usercertificate;binary", "certificate")],
)
def test_a_grant_holds_in_every_spelling_of_the_type(granted: str, name: str) -> None:
    assert readable_by(replace(READER, attributes=frozenset({granted})))(name)


def test_an_attribute_is_read_over_http_by_the_types_that_show_it_over_ldap_and_by_no_other() -> None:
    shown_by: defaultdict[str, set[str]] = defaultdict(set)
    for make, layout in KINDS.values():
        for attribute, rule in make("main", DN.parse("dc=example,dc=org"), layout).rules[Kind.USER].attributes.items():
            for name in rule.asked:
                shown_by[name].add(attribute.lower())
    types = {shown for found in shown_by.values() for shown in found}
    for name in USER_ATTRIBUTES.keys() & shown_by.keys() - NAMES_AND_STATUS:
        readable = {one for one in types if readable_by(replace(READER, attributes=frozenset({one})))(name)}
        assert readable and readable <= shown_by[name], (name, readable, shown_by[name])


def test_without_a_grant_by_attribute_everything_is_readable() -> None:
    assert readable_by(READER)("photo")
