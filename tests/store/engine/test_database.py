"""Transactions, threads, and what is said when the store cannot serve."""

import os
import pwd
import sqlite3
import subprocess
import sys
import textwrap
import threading
from collections.abc import Callable
from pathlib import Path

import pytest
import sqlalchemy as sa
from pytest_twisted import ensureDeferred

from gateway.model.errors import ConfigurationError, StoreUnavailable
from gateway.store.engine import bulk, dialects, store_url
from gateway.store.engine.database import Connection, Database
from gateway.store.engine.migrate import migrate
from gateway.store.engine.postgres.notify import Listener
from gateway.store.log import changes
from gateway.store.operations.instance import instance_id
from gateway.store.tables.change_log import positions
from gateway.twisted_internals.reactor import installed
from tests.servers.postgres import Postgres
from tests.store.log.test_changes import change


def put(name: str) -> Callable[[Connection], None]:
    def work(connection: Connection) -> None:
        connection.execute(sa.insert(positions), {"name": name, "number": 1, "updated_at": 1})

    return work


def names(connection: Connection) -> list[str]:
    return list(connection.execute(sa.select(positions.c.name)).scalars())


def test_work_that_raises_leaves_nothing_behind(database: Database) -> None:
    def half(connection: Connection) -> None:
        put("half")(connection)
        raise LookupError("in the middle")

    with pytest.raises(LookupError):
        database.write_blocking(half)
    assert database.read_blocking(names) == []


def test_a_reader_cannot_write(database: Database) -> None:
    with pytest.raises(StoreUnavailable, match="read-only"):
        database.read_blocking(put("x"))
    assert database.read_blocking(names) == []


def test_a_reader_sees_one_state_from_beginning_to_end(database: Database) -> None:
    def look_twice(connection: Connection) -> tuple[list[str], list[str]]:
        before = names(connection)
        database.write_blocking(put("meanwhile"))
        return before, names(connection)

    assert database.read_blocking(look_twice) == ([], [])
    assert database.read_blocking(names) == ["meanwhile"]


@ensureDeferred
async def test_the_reactor_gets_results_and_errors_from_threads(store_url: str) -> None:
    database = Database(store_url, reactor=installed())
    migrate(database)
    await database.write(put("one"))
    assert await database.read(names) == ["one"]
    with pytest.raises(ZeroDivisionError):
        await database.read(lambda c: 1 // 0)
    database.close()
    database.close()
    with pytest.raises(StoreUnavailable, match="is closed"):
        await database.read(names)


# ---- SQLite: each failure with its cure


def test_a_file_that_is_not_a_database_is_named_with_the_cure(tmp_path: Path) -> None:
    path = tmp_path / "letter.db"
    path.write_text("Dear administrator, " * 100)
    with pytest.raises(StoreUnavailable, match=r"letter\.db: the file is not a database: point \[store\] url"):
        migrate(Database(f"sqlite:///{path}"))
    assert path.read_text().startswith("Dear"), "it was left alone"


def test_a_folder_that_does_not_exist_is_named(tmp_path: Path) -> None:
    with pytest.raises(StoreUnavailable, match=r"nowhere/gateway\.db: it cannot be opened: check that the folder exists"):
        migrate(Database(f"sqlite:///{tmp_path}/nowhere/gateway.db"))


def test_a_full_disk_stops_the_write_and_loses_nothing(tmp_path: Path) -> None:
    database = Database(f"sqlite:///{tmp_path}/gateway.db")
    migrate(database)

    def fill(connection: Connection) -> None:
        pages = connection.exec_driver_sql("PRAGMA page_count").scalar_one()
        connection.exec_driver_sql(f"PRAGMA max_page_count = {pages}")  # what SQLite says then is what a full disk says
        for number in range(10_000):
            put(f"{number:0500}")(connection)

    before = database.read_blocking(instance_id)
    with pytest.raises(StoreUnavailable, match="the disk is full: make room"):
        database.write_blocking(fill)
    assert database.read_blocking(instance_id) == before
    assert database.read_blocking(names) == []
    database.close()


def test_a_file_that_another_process_locks_for_too_long_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dialects, "BUSY_MILLISECONDS", 50)
    database = Database(f"sqlite:///{tmp_path}/gateway.db")
    migrate(database)
    other = sqlite3.connect(tmp_path / "gateway.db", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(StoreUnavailable, match="locked by another process for too long"):
        database.write_blocking(put("x"))
    other.rollback()
    database.write_blocking(put("x"))
    other.close()
    database.close()


def test_a_read_only_file_is_named(tmp_path: Path) -> None:
    """In a process that is not root, to whom nothing is read-only."""
    database = Database(f"sqlite:///{tmp_path}/gateway.db")
    migrate(database)
    database.close()
    script = textwrap.dedent(
        f"""
        import os
        from gateway.store.engine.database import Database
        from gateway.store.log import positions
        from gateway.store.engine.column_codecs import time_of
        from gateway.model.errors import StoreUnavailable
        database = Database("sqlite:///{tmp_path}/gateway.db")
        if os.geteuid() == 0:
            os.setuid({pwd.getpwnam("nobody").pw_uid})
        try:
            database.write_blocking(lambda c: positions.set_position(c, "x", 1, time_of(0)))
        except StoreUnavailable as error:
            print(error)
        """
    )
    (tmp_path / "gateway.db").chmod(0o444)
    tmp_path.chmod(0o555)
    for folder in tmp_path.parents:
        if folder.stat().st_uid == os.geteuid() and folder != Path("/"):
            folder.chmod(folder.stat().st_mode | 0o055)
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    tmp_path.chmod(0o755)
    assert "gateway.db: it is read-only: make the file and its folder writable" in done.stdout, done.stderr


@pytest.mark.parametrize(
    "url", ["nonsense", "sqlite://", "sqlite:///:memory:", "mysql://user:secret@host/db", "postgresql://u:secret@h:x/d"]
)
def test_a_url_that_cannot_be_a_store_is_refused_without_showing_it(url: str) -> None:
    with pytest.raises(ConfigurationError, match=r"\[store\] url") as refused:
        Database(url)
    assert "secret" not in str(refused.value)


# ---- PostgreSQL


def test_a_postgresql_server_that_does_not_answer_is_named_without_the_password() -> None:
    database = Database("postgresql://gateway:secret@127.0.0.1:1/none?password=secret")
    with pytest.raises(StoreUnavailable, match=r"postgresql://gateway@127\.0\.0\.1:1/none: it does not answer") as refused:
        database.read_blocking(names)
    assert "secret" not in f"{refused.value} {refused.value!r} {database.name}"


@pytest.mark.parametrize(
    ("given", "host", "port", "name"),
    [
        ("postgresql://u:p@h1:1,h2:2/db?target_session_attrs=read-write", "h1,h2", "1,2", "postgresql://u@h1:1,h2:2/db"),
        ("postgresql+psycopg://h1,h2:2/db", "h1,h2", ",2", "postgresql://h1,h2:2/db"),
        ("postgres://u@[::1]:1,[::2]/db", "::1,::2", "1,", "postgresql://u@[::1]:1,[::2]/db"),
        ("postgresql://u:a,b@h1,h2", "h1,h2", ",", "postgresql://u@h1,h2/"),
        ("postgresql://u@/db?host=h1,h2&port=1,2", "h1,h2", "1,2", "postgresql://u@h1:1,h2:2/db"),
    ],
)
def test_several_servers_are_taken_as_libpq_spells_them(given: str, host: str, port: str, name: str) -> None:
    parsed = store_url.parse(given)
    assert (parsed.query["host"], parsed.query["port"], store_url.shown(parsed)) == (host, port, name)
    assert Database(given).name == name


@pytest.mark.parametrize(
    "url",
    ["postgresql://u:secret@h1:x,h2/db", "postgresql://u:secret@h1:1:2,h2/d", "postgresql://u:secret@/d?host=h1,h2&port=1"],
)
def test_several_servers_that_cannot_be_are_refused_without_showing_them(url: str) -> None:
    with pytest.raises(ConfigurationError, match=r"\[store\] url: not a database URL") as refused:
        Database(url)
    assert "secret" not in str(refused.value)


def test_of_several_servers_the_one_that_answers_is_used_and_notices_arrive(postgres: Postgres, postgres_database: str) -> None:
    name = postgres_database.rpartition("/")[2]
    url = f"postgresql://postgres@127.0.0.1:1,127.0.0.1:{postgres.port}/{name}?target_session_attrs=read-write"
    database, noticed = Database(url), threading.Event()
    migrate(database)
    assert database.listening_url is not None
    listener = Listener(database.listening_url, noticed.set)
    listener.start()
    assert noticed.wait(10), "it listens"
    noticed.clear()
    database.write_blocking(lambda c: changes.append(c, [change("anna")]))
    assert noticed.wait(10)
    listener.stop()
    database.close()


def test_a_database_that_does_not_exist_is_named(postgres: Postgres) -> None:
    with pytest.raises(StoreUnavailable, match="/nothing: the database does not exist: create it"):
        migrate(Database(postgres.url("nothing")))


def test_a_server_that_was_restarted_costs_nothing_once_it_is_back(postgres: Postgres, postgres_database: str) -> None:
    database = Database(postgres_database)
    migrate(database)
    database.write_blocking(put("before"))
    postgres.stop()
    try:
        with pytest.raises(StoreUnavailable, match="does not answer"):
            database.write_blocking(put("during"))
    finally:
        postgres.start()
    database.write_blocking(put("after"))
    assert set(database.read_blocking(names)) == {"before", "after"}
    database.close()


def test_a_connection_lost_in_the_middle_undoes_the_work_and_is_reported(postgres_database: str) -> None:
    database = Database(postgres_database)
    migrate(database)

    def cut(connection: Connection) -> None:
        put("half")(connection)
        connection.execute(sa.text("SELECT pg_terminate_backend(pg_backend_pid())"))

    def cut_copy(connection: Connection) -> None:
        cut_off = sa.text("SELECT pg_terminate_backend(:pid)")
        pid = connection.execute(sa.text("SELECT pg_backend_pid()")).scalar()
        database.read_blocking(lambda other: other.execute(cut_off, {"pid": pid}))
        bulk.insert(connection, positions, [(f"reader {number}", 1, 1) for number in range(bulk.COPY_FROM_ROWS)])

    for work in (cut, cut_copy):
        with pytest.raises(StoreUnavailable, match="does not answer"):
            database.write_blocking(work)
    assert database.read_blocking(names) == []
    database.close()
