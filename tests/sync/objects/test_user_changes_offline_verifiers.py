"""Offline verifiers (kept for binds while the source is away) go in the transaction that takes their reason away."""

from typing import Any

import pytest

from gateway.model.attributes import PASSWORD_CHANGED
from gateway.model.objects import Kind
from gateway.store.objects import passwords
from tests.sync.synced_store import Store, gone, person

ANN = "ann"


@pytest.fixture
def kept(store: Store) -> Store:
    """Ann, with a verifier."""
    store.apply(person(ANN, **{PASSWORD_CHANGED: "20260101000000Z"}))
    store.database.write_blocking(lambda c: passwords.keep_verifier(c, store.user(ANN).id, "hr", "hash", store.time))
    return store


@pytest.mark.parametrize(
    ("attributes", "stays"),
    [
        ({PASSWORD_CHANGED: "20260101000000Z", "title": "Engineer"}, True),
        ({PASSWORD_CHANGED: "20260102000000Z"}, False),
        ({PASSWORD_CHANGED: "20260101000000Z", "enabled": "false"}, False),
    ],
)
def test_a_verifier_stays_unless_the_person_may_not_log_in_or_the_password_was_changed(
    kept: Store, attributes: dict[str, Any], stays: bool
) -> None:
    user_id = kept.user(ANN).id
    kept.apply(person(ANN, **attributes))
    assert (kept.database.read_blocking(lambda c: passwords.verifier(c, user_id, "hr")) is not None) is stays


def test_a_verifier_goes_with_its_user(kept: Store) -> None:
    user_id = kept.user(ANN).id
    kept.apply(gone(Kind.USER, f"u:{ANN}"), allow_deletions=True)
    assert kept.database.read_blocking(lambda c: passwords.verifier(c, user_id, "hr")) is None
