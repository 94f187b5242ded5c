"""The account status of people before their passwords are checked, for many at once."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from pytest_twisted import ensureDeferred
from twisted.internet.defer import CancelledError, DeferredList, gatherResults

from gateway.directory.authentication.account_status import AccountStatusLookup
from gateway.directory.authentication.password_authority import PasswordAuthority
from gateway.directory.authentication.password_check import PasswordCheck
from gateway.model.errors import StoreUnavailable
from gateway.store.engine.database import Database
from gateway.store.objects import passwords, users
from tests.directory.binding import ANNA, CY, DEE, EVE, Bed
from tests.directory.worlds import SOURCE


class Counted:
    """A database whose readings are counted; `broken` ones fail."""

    def __init__(self, bed: Bed) -> None:
        self._database = bed.world.database
        self.readings = 0
        self.broken = False

    def read(self, work: Any) -> Any:
        self.readings += 1
        if self.broken:
            raise StoreUnavailable("the store is away")
        return self._database.read(work)

    def login_state_inline(self, user_id: str) -> Any:
        return None if self.broken else self._database.login_state_inline(user_id)


@pytest.fixture
def bed(tmp_path: Path) -> Iterator[Bed]:
    made = Bed(tmp_path)
    made.set_local(EVE, b"local")
    made.set_local(ANNA, b"local")
    yield made
    made.close()


@pytest.fixture
def counted(bed: Bed) -> Counted:
    return Counted(bed)


@pytest.fixture
def account_statuses(counted: Counted) -> AccountStatusLookup:
    return AccountStatusLookup(counted, PasswordAuthority({SOURCE, "crm"}))  # type: ignore[arg-type]


@ensureDeferred
async def test_each_look_up_returns_its_own_person(account_statuses: AccountStatusLookup) -> None:
    asked = [ANNA.id, CY.id, DEE.id, EVE.id, "nobody"]
    anna, cy, dee, eve, nobody = await gatherResults([account_statuses.of(user_id) for user_id in asked])
    assert ([a.source_id for a in anna.vouching], anna.local_hash, anna.can_log_in) == ([SOURCE], None, True)
    assert [a.source_id for a in dee.vouching] == [SOURCE, "crm"]
    assert (cy.exists, cy.enabled, cy.can_log_in) == (True, False, False)
    assert (eve.vouching, eve.local_hash is not None, eve.can_log_in) == ((), True, True)
    assert (nobody.exists, nobody.can_log_in) == (False, False)
    assert eve.local_hash is not None and eve.local_hash not in repr(eve)


@ensureDeferred
async def test_look_ups_that_wait_together_share_one_transaction(
    account_statuses: AccountStatusLookup, counted: Counted
) -> None:
    await gatherResults([account_statuses.of(ANNA.id) for _ in range(50)])
    assert counted.readings == 2, "the first one's, and one for all who came while it was under way"


@ensureDeferred
async def test_an_unavailable_store_fails_all_look_ups_and_is_asked_again_afterwards(
    account_statuses: AccountStatusLookup, counted: Counted
) -> None:
    counted.broken = True
    results: Any = await DeferredList([account_statuses.of(ANNA.id) for _ in range(5)], consumeErrors=True)
    assert [type(result.value) for _, result in results] == [StoreUnavailable] * 5
    counted.broken = False
    assert (await account_statuses.of(ANNA.id)).can_log_in


@ensureDeferred
async def test_a_cancelled_look_up_does_not_disturb_the_others(account_statuses: AccountStatusLookup) -> None:
    answers = [account_statuses.of(ANNA.id) for _ in range(3)]
    answers[1].cancel()
    with pytest.raises(CancelledError):
        await answers[1]
    assert (await answers[0]).can_log_in and (await answers[2]).can_log_in


@ensureDeferred
async def test_an_inline_read_gives_the_status_of_a_transaction(
    account_statuses: AccountStatusLookup, counted: Counted
) -> None:
    for user_id in [ANNA.id, CY.id, DEE.id, EVE.id, "nobody"]:
        at_once = account_statuses.at_once(user_id)
        assert counted.readings == 0
        assert at_once == await account_statuses.of(user_id)
        counted.readings = 0


def test_an_inline_read_sees_every_commit(bed: Bed, account_statuses: AccountStatusLookup) -> None:
    def can_log_in(user_id: str) -> bool:
        seen = account_statuses.at_once(user_id)
        assert seen is not None
        return seen.can_log_in

    other = Database(f"sqlite:///{bed.world.database.name}")
    assert can_log_in(ANNA.id) and can_log_in(EVE.id)
    other.write_blocking(lambda c: users.update(c, [replace(ANNA, enabled=False)], ()))
    other.write_blocking(lambda c: passwords.clear_local(c, EVE.id))
    other.close()
    assert not can_log_in(ANNA.id) and not can_log_in(EVE.id)


@ensureDeferred
async def test_where_nothing_is_seen_at_once_the_store_is_read(bed: Bed, counted: Counted) -> None:
    made = PasswordCheck(counted, {SOURCE: bed.hr}, bed.hashing, bed.offline)  # type: ignore[arg-type]
    counted.broken = True
    with pytest.raises(StoreUnavailable):
        await made.account_status(ANNA.id)
    assert counted.readings == 1
    counted.broken = False
    assert (await made.account_status(ANNA.id)).can_log_in
    assert counted.readings == 1
