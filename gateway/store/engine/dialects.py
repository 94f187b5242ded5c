"""The dialects SQLite and PostgreSQL: opening their connections, and translating their failures into words and a cure.

The rest of the store sees two engines, one for reading and one for writing, and the error `StoreUnavailable`."""

import contextlib
import os
import sqlite3
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import sqlalchemy as sa
from sqlalchemy import exc
from sqlalchemy.engine import URL

from gateway.model.errors import StoreBusy, StoreUnavailable
from gateway.store.engine import store_url
from gateway.store.engine.sqlite.direct_statements import DirectConnection

BUSY_MILLISECONDS = 15_000
"""The longest wait of a writer for another process (a `gateway sync` beside `gateway serve`); a batch takes far less."""

WRITER_CACHE_KIB = 16 * 1024
"""SQLite's page cache of the one writer: the upper levels of every index of a directory of 1,000,000 people."""

CHECKPOINT_PAGES = 4000
"""The write-ahead log is folded into the file every 16 MiB: four times SQLite's default halves a first load's writing."""

LOCK_SECONDS = 60
"""The longest wait of a PostgreSQL transaction for another node's batch before it gives up and is tried again later."""

SESSION = {
    "lock_timeout": f"{LOCK_SECONDS}s",
    "idle_in_transaction_session_timeout": f"{5 * LOCK_SECONDS}s",
    "jit": "off",  # our statements are many and short: compiling one costs more than running it
}
"""PostgreSQL's settings for each connection."""

SQLITE_CURES = {
    "SQLITE_NOTADB": "the file is not a database: point [store] url at another file, or restore it from a backup",
    "SQLITE_CORRUPT": "the database is damaged: restore it from a backup, or move it away and let the sources fill a new one",
    "SQLITE_FULL": "the disk is full: make room; nothing that was stored is lost and the work is repeated",
    "SQLITE_BUSY": "it is locked by another process for too long: see which one has it open",
    "SQLITE_LOCKED": "it is locked by another process for too long: see which one has it open",
    "SQLITE_READONLY": "it is read-only: make the file and its folder writable for the gateway's user",
    "SQLITE_CANTOPEN": "it cannot be opened: check that the folder exists and belongs to the gateway's user",
    "SQLITE_PERM": "it may not be opened: check that the file belongs to the gateway's user",
    "SQLITE_IOERR": "the disk reports an error: check its free space, its quota and the system log",
}


STORE_ERRORS = (exc.SQLAlchemyError, sqlite3.Error)
"""The errors of a database, after which a transaction is lost."""

OUTAGES = (exc.OperationalError, exc.InterfaceError, exc.InternalError, exc.TimeoutError, sqlite3.OperationalError)
"""Those that no single statement is to blame for."""


@dataclass(frozen=True, slots=True)
class Engines:
    """The engines of one store. `name` stands for it in messages and never holds a password; `writers`: the most writers at a
    time; `driver_error`: the base of what the driver raises where SQLAlchemy is not in between (bulk.py); `inline`: reads
    in the reactor's thread, which wait for nobody, where the store is a file."""

    name: str
    dialect: str
    reader: sa.Engine
    writer: sa.Engine
    writers: int
    driver_error: type[Exception] = sqlite3.Error
    inline: sa.Engine | None = None

    def until(self, deadline: float | None) -> contextlib.AbstractContextManager[None]:
        """End what this thread asks of a server at `deadline` (of `time.monotonic`), if there is one."""
        if deadline is None or self.dialect != "postgresql":
            return contextlib.nullcontext()
        from gateway.store.engine.postgres import silence

        return silence.until(deadline)

    def leaves_unknown(self, error: exc.DBAPIError) -> bool:
        """Return whether a commit that failed so may have been done: SQLite undoes it, a server that was lost does not tell."""
        state = getattr(error.orig, "sqlstate", None)
        return self.dialect == "postgresql" and (state is None or state.startswith(LOST_CLASSES))

    def connect(self, engine: sa.Engine) -> sa.Connection:
        """Return a connection of one of the engines."""
        return DirectConnection(engine) if self.dialect == "sqlite" else engine.connect()

    def dispose(self) -> None:
        """Close every pooled connection."""
        for engine in filter(None, (self.reader, self.writer, self.inline)):
            engine.dispose()

    @contextlib.contextmanager
    def translated(self) -> Iterator[None]:
        """Turn what the database driver raises when the store cannot serve into StoreUnavailable with the cure.

        Everything else (a violated constraint, a wrong statement) is a defect of ours and passes unchanged.
        """
        try:
            yield
        except (exc.DBAPIError, self.driver_error) as error:
            cause = error.orig if isinstance(error, exc.DBAPIError) else error
            cure = _sqlite_cure(cause) if isinstance(cause, sqlite3.Error) else _postgresql_cure(cause)
            if cure is None:
                raise
            kind = StoreBusy if cure in LOCKED else StoreUnavailable
            raise kind(f"the store {self.name}: {cure} ({_first_line(cause)})") from error
        except exc.TimeoutError as error:
            raise StoreUnavailable(f"the store {self.name}: every connection is in use: try again later") from error


def connect(url: str, threads: int) -> Engines:
    """Return the engines for `url` (`sqlite:///path` or `postgresql://…`). Connects to nothing yet. Raises
    ConfigurationError."""
    parsed = store_url.parse(url)
    return _sqlite(parsed, threads) if parsed.get_backend_name() == "sqlite" else _postgresql(parsed, threads)


def _first_line(error: BaseException | None) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0]


# ---- SQLite


def _sqlite(url: URL, threads: int) -> Engines:
    path = Path(url.database or "").absolute()
    url = URL.create("sqlite", database=str(path))
    # The transactions are ours: sqlite3's own begin too late and never IMMEDIATE.
    options: dict[str, object] = {"isolation_level": None, "check_same_thread": False, "cached_statements": 256}
    reader = sa.create_engine(url, connect_args=options, pool_size=threads, max_overflow=2)
    writer = sa.create_engine(url, connect_args=options, pool_size=1, max_overflow=0)
    inline = sa.create_engine(url, connect_args=options, pool_size=1, max_overflow=0)

    def opened(connection: sqlite3.Connection, _record: object) -> None:
        _prepare(connection)
        connection.execute("PRAGMA query_only = ON")

    def opened_inline(connection: sqlite3.Connection, record: object) -> None:
        opened(connection, record)
        connection.execute("PRAGMA busy_timeout = 0")

    def opened_to_write(connection: sqlite3.Connection, _record: object) -> None:
        _prepare(connection)
        connection.execute(f"PRAGMA cache_size = -{WRITER_CACHE_KIB}")
        connection.execute(f"PRAGMA wal_autocheckpoint = {CHECKPOINT_PAGES}")

    def create(*_arguments: object) -> None:
        _create_private(path)

    sa.event.listen(reader, "connect", opened)
    sa.event.listen(inline, "connect", opened_inline)
    sa.event.listen(writer, "connect", opened_to_write)
    for engine in (reader, writer, inline):
        sa.event.listen(engine, "do_connect", create)
    sa.event.listen(reader, "begin", _begin("BEGIN"))
    sa.event.listen(inline, "begin", _begin("BEGIN"))
    sa.event.listen(writer, "begin", _begin("BEGIN IMMEDIATE"))
    return Engines(str(path), "sqlite", reader, writer, writers=1, inline=inline)


def _begin(statement: str) -> Callable[[sa.Connection], None]:
    def begin(connection: sa.Connection) -> None:
        connection.connection.cursor().execute(statement)

    return begin


def _create_private(path: Path) -> None:
    """SQLite would create the file readable by all users; its companions (-wal, -shm) take over the file's mode and owner.

    What root makes belongs to the owner of the folder: a command of root's before the service's first start would else leave a
    store that the service cannot open."""
    with contextlib.suppress(OSError):  # what is wrong with the place is reported when the file is opened
        descriptor = os.open(path, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600)
        try:
            if os.geteuid() == 0:
                folder = path.parent.stat()
                os.fchown(descriptor, folder.st_uid, folder.st_gid)
        finally:
            os.close(descriptor)


def _prepare(connection: sqlite3.Connection) -> None:
    connection.execute(f"PRAGMA busy_timeout = {BUSY_MILLISECONDS}")
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = FULL")
    connection.execute("PRAGMA foreign_keys = ON")
    connection.execute("PRAGMA temp_store = MEMORY")


def _sqlite_cure(error: sqlite3.Error) -> str | None:
    name = getattr(error, "sqlite_errorname", "") or ""
    return SQLITE_CURES.get("_".join(name.split("_")[:2]))


# ---- PostgreSQL


def _postgresql(url: URL, threads: int) -> Engines:
    # Only here: the driver takes some 8 MiB.
    from psycopg import Error

    from gateway.store.engine.postgres.silence import CONNECT_SECONDS, KEEPALIVES, BoundedConnection

    settings = {
        "connect_timeout": CONNECT_SECONDS,
        "application_name": "directory-gateway",
        "options": " ".join(f"-c {name}={value}" for name, value in SESSION.items()),
        **KEEPALIVES,
    }
    writers = 2
    # pre_ping: a server that was restarted costs its clients nothing but one round trip.
    engine = sa.create_engine(url, connect_args=settings, pool_size=threads + writers, max_overflow=2, pool_pre_ping=True)
    sa.event.listen(engine, "do_connect", lambda _, __, arguments, options: BoundedConnection.connect(*arguments, **options))
    # One statement more may follow in a reading transaction: it must see what the first one saw.
    reader = engine.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)
    return Engines(store_url.shown(url), "postgresql", reader, engine, writers, Error)


POSTGRESQL_CURES = {
    "53100": "the server's disk is full: make room; nothing that was stored is lost and the work is repeated",
    "55P03": "it is locked by another node for too long: see what that one does",
    "28P01": "the server refuses the password: check the user and the password in [store] url",
    "28000": "the server refuses the user: check [store] url and the server's pg_hba.conf",
    "3D000": "the database does not exist: create it, or check [store] url",
    "25006": "the server is read-only: point [store] url at the primary",
}


UNAVAILABLE_ERRORS = {"OperationalError", "InterfaceError", "InternalError"}
"""The driver's errors (PEP 249) that are not of our making, by name: whoever has SQLite needs no driver."""

FEATURE_NOT_SUPPORTED = "0A000"
"""The answer of a standby to the beginning of a transaction that writes."""

LOCKED = {SQLITE_CURES["SQLITE_BUSY"], POSTGRESQL_CURES["55P03"]}

LOST_CLASSES = ("08", "57P")
"""SQLSTATEs of a connection that failed and of a server that is stopping: they do not say whether a commit was done."""

# A server that refuses a connection gives its reason as text alone.
REFUSALS = {"does not exist": "3D000", "password": "28P01", "pg_hba.conf": "28000"}


def _postgresql_cure(cause: BaseException | None) -> str | None:
    state = getattr(cause, "sqlstate", None)
    if state == FEATURE_NOT_SUPPORTED and "recovery" in str(cause):
        return POSTGRESQL_CURES["25006"]
    if UNAVAILABLE_ERRORS.isdisjoint(kind.__name__ for kind in type(cause).__mro__):
        return None
    if state is None and "FATAL" in str(cause):
        state = next((code for fragment, code in REFUSALS.items() if fragment in str(cause)), None)
    return POSTGRESQL_CURES.get(state or "", "it does not answer: check that the server runs and can be reached")
