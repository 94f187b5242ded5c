"""Records of the Developer API."""

import pytest
from msgspec import UNSET

from gateway.directory.application_scope.readable_attributes import readable_by
from gateway.frontends.developer.records.json_records import NEVER, Projector
from gateway.model.applications import Application
from tests.directory.worlds import user

TOLD = {"account_expires": ["20260704120000.5Z"], "locked_until": ["20260101003000Z"], "user_account_control": ["512"]}


@pytest.mark.parametrize(
    ("told", "expires", "lock_ends"),
    [
        (TOLD, 1_783_166_400_500, 1_767_227_400_000),
        ({}, NEVER, NEVER),
        ({"account_expires": ["soon"], "locked_until": ["99991231235959Z"]}, NEVER, 253_402_300_799_000),
    ],
)
def test_the_end_of_an_account_and_of_its_lock_are_unix_milliseconds_and_minus_one_is_never(
    told: dict[str, list[str]], expires: int, lock_ends: int
) -> None:
    record = Projector("i", lambda _: True).user(user(1, "anna", **told), password_set=False)
    assert (record.account_expire_time, record.lock_expire_time) == (expires, lock_ends)


def test_an_end_that_may_not_be_read_is_left_out() -> None:
    record = Projector("i", lambda name: name != "account_expires").user(user(1, "anna", **TOLD), password_set=False)
    assert record.account_expire_time is UNSET and record.lock_expire_time == 1_767_227_400_000


@pytest.mark.parametrize(("granted", "shown"), [([], UNSET), (["mail"], UNSET), (["mail", "userpassword"], True), (None, True)])
def test_whether_there_is_a_local_password_is_for_those_who_may_read_user_password(
    granted: list[str] | None, shown: object
) -> None:
    anna = user(1, "anna")
    application = Application("a", "portal", anna.created_at, attributes=None if granted is None else frozenset(granted))
    assert Projector("i", readable_by(application)).user(anna, password_set=True).password_set is shown
