"""Reads in the reactor's thread are ended when they are long, and done in a thread."""

import threading
from pathlib import Path

import pytest
import pytest_twisted
import sqlalchemy as sa
from sqlalchemy import Connection

from gateway.store.engine.database import Database

COUNT = sa.text("WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < :most) SELECT count(*) FROM n")
ROWS = sa.text("WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < :most) SELECT i FROM n")


@pytest.mark.parametrize(("most", "inline"), [(10, True), (100, True), (100_000, False)])
@pytest.mark.parametrize("statement", [COUNT, ROWS])
@pytest_twisted.ensureDeferred
async def test_a_short_read_is_done_where_the_request_stands_and_a_long_one_in_a_thread(
    tmp_path: Path, statement: sa.TextClause, most: int, inline: bool
) -> None:
    database, threads = Database(f"sqlite:///{tmp_path}/store.db"), []

    def work(connection: Connection) -> int:
        threads.append(threading.current_thread())
        return sum(row[0] for row in connection.execute(statement, {"most": most}))

    expected = most if statement is COUNT else most * (most + 1) // 2
    try:
        for _ in range(3):  # the connection is the same each time, and the count begins anew
            threads.clear()
            assert await database.read_few(work) == expected
            assert [one is threading.main_thread() for one in threads] == ([True] if inline else [True, False])
    finally:
        database.close()


@pytest_twisted.ensureDeferred
async def test_an_error_of_the_work_is_its_own(tmp_path: Path) -> None:
    database = Database(f"sqlite:///{tmp_path}/store.db")

    def work(connection: Connection) -> None:
        raise LookupError("nothing")

    try:
        with pytest.raises(LookupError):
            await database.read_few(work)
    finally:
        database.close()
    with pytest.raises(Exception, match=r"closed|unavailable|stopped|ended"):
        await database.read_few(lambda connection: connection.execute(sa.text("SELECT 1")).scalar())
