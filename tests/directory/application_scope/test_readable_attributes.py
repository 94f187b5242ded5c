"""An application's grant is in LDAP's words, and holds for our names of the same attributes."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from gateway.directory.application_scope.readable_attributes import readable_by
from gateway.model.applications import Application

READER = Application("app_x", "reader", datetime(2026, 11, 1, tzinfo=UTC))


@pytest.mark.parametrize(("name", "readable"), [("email", True), ("title", True), ("phone_number", False), ("sn", False)])
def test_a_grant_of_mail_and_title_shows_these_alone(name: str, readable: bool) -> None:
    assert readable_by(replace(READER, attributes=frozenset({"mail", "title"})))(name) is readable


def test_without_a_grant_by_attribute_everything_is_readable() -> None:
    assert readable_by(READER)("photo")
