"""The epoch of the log: a digest at a number is the same as long as the log is the same up to there, and only then."""

from datetime import timedelta

import pytest

from gateway.model.changes import Change, ChangeType
from gateway.model.deltas import Watermark
from gateway.model.objects import Kind
from gateway.store.engine.database import Connection, Database
from gateway.store.log import changes, epoch
from gateway.store.operations import source_state
from tests.store.samples import ANN, BOB, NOW

FAR = 10**11
"""Milliseconds, later than any change that a migration made."""


def append(database: Database, *users: str, later: int = 0) -> None:
    time = NOW + timedelta(milliseconds=later)
    some = [Change(0, time, Kind.USER, user, ChangeType.DELETE, "hr", None) for user in users]
    database.write_blocking(lambda c: changes.append(c, some))


def lose(database: Database, count: int) -> None:
    """Take back the last changes, as a server has it that did not receive them before a fail-over."""

    def work(connection: Connection) -> None:
        last = changes.last(connection) - count
        connection.exec_driver_sql(f"DELETE FROM changes WHERE number > {last}")
        connection.exec_driver_sql(f"UPDATE log_head SET number = {last}")

    database.write_blocking(work)


def digest(database: Database, number: int) -> str:
    return database.read_blocking(lambda c: epoch.digest_at(c, number))


@pytest.mark.parametrize(
    ("users", "later"), [((), 0), ((BOB.id,), 0), ((ANN.id,), FAR)], ids=["shorter", "another object", "another time"]
)
def test_law_3_a_number_that_was_given_again_has_another_digest(database: Database, users: tuple[str, ...], later: int) -> None:
    append(database, BOB.id, ANN.id)
    last = database.read_blocking(changes.last)
    kept, lost = digest(database, last - 1), digest(database, last)
    lose(database, 1)
    append(database, *users, later=later)
    assert digest(database, last - 1) == kept
    assert digest(database, last) != lost


def test_a_reader_works_out_the_digest_of_what_it_reads(database: Database) -> None:
    append(database, ANN.id, BOB.id)
    reached = digest(database, 0)
    for change in database.read_blocking(lambda c: changes.after(c, 0, 10)):
        reached = epoch.digest_after(reached, change)
        assert reached == digest(database, change.number)


def test_a_new_epoch_changes_every_digest_and_lets_the_sources_be_read_in_full(database: Database) -> None:
    append(database, ANN.id)
    before = [digest(database, number) for number in (0, 1)]

    def read(connection: Connection) -> None:
        source_state.ensure(connection, "hr", "ldap")
        source_state.set_watermark(connection, "hr", Watermark(b"here"))

    database.write_blocking(read)
    stamp = database.read_blocking(lambda c: source_state.stamp(c, "hr"))
    database.write_blocking(epoch.renew)
    assert not set(before) & {digest(database, number) for number in (0, 1)}
    state = database.read_blocking(lambda c: source_state.get(c, "hr"))
    assert state is not None
    assert state.watermark is None
    assert database.read_blocking(lambda c: source_state.stamp(c, "hr")) != stamp
