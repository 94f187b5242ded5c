"""A real PostgreSQL server in a temporary folder: fast because it never syncs to disk, otherwise as it is.

initdb refuses to run as root, so a root test session hands the folder to Debian's user postgres and runs the server as it.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import tempfile
from pathlib import Path

import psycopg

from tests.servers.processes import ServerFailedError, ServerProcess, accepts, demoted, free_port, program

PACKAGE = "postgresql"
SERVICE_USER = "postgres"
SETTINGS = {
    "listen_addresses": "127.0.0.1",
    "fsync": "off",
    "full_page_writes": "off",
    "max_connections": "200",
    "shared_buffers": "64MB",
    "autovacuum": "off",  # its timing would be the only thing in a test run that nobody asked for
}


class Postgres:
    """One server that keeps its port and its data over stop, kill and restart. Not started by the constructor."""

    def __init__(self) -> None:
        # Not pytest's folder: that one belongs to root alone, and the server's user must be able to enter.
        self.directory = Path(tempfile.mkdtemp(prefix="postgres-"))
        self.port = free_port()
        self._suspended: list[int] = []
        self._user = SERVICE_USER if os.geteuid() == 0 else None
        if self._user is not None:
            shutil.chown(self.directory, self._user, self._user)
        settings = [f"-c{name}={value}" for name, value in SETTINGS.items()]
        data = self.directory / "data"
        command = [program("postgres", PACKAGE), "-D", str(data), "-p", str(self.port), "-k", str(self.directory), *settings]
        self._process = ServerProcess(command, self.directory / "postgres.out", cwd=self.directory, user=self._user)
        self._initialise(data)

    def start(self) -> Postgres:
        """Start the server; returns when it answers."""
        self._process.start(self._answers)
        return self

    def stop(self) -> None:
        """A fast shutdown: clients are disconnected, what was committed is written."""
        self._process.stop(signal.SIGINT)

    def restart(self) -> None:
        self.stop()
        self.start()

    def suspend(self) -> None:
        """Freeze the server, as a paused machine would: all of its processes."""
        self._process.suspend()  # first, so that it makes no more
        self._suspended = [self._process.pid, *_children(self._process.pid)]
        for pid in self._suspended:
            os.kill(pid, signal.SIGSTOP)

    def resume(self) -> None:
        """Let a suspended server go on."""
        for pid in self._suspended:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGCONT)

    def become_standby(self) -> None:
        """Restart it as a standby, which takes no writes, as the server of a fail-over that is not done yet."""
        self.stop()
        signal_file = self.directory / "data" / "standby.signal"
        signal_file.touch()
        if self._user is not None:
            shutil.chown(signal_file, self._user, self._user)
        self.start()

    def promote(self) -> None:
        """Let a standby take writes."""
        self._execute("SELECT pg_promote()")

    def copy(self) -> Path:
        """A copy of its data as they are now, for `go_back`; it is restarted for it."""
        kept = self.directory / f"copy-{len(list(self.directory.glob('copy-*')))}"
        self.stop()
        shutil.copytree(self.directory / "data", kept)
        self.start()
        return kept

    def go_back(self, kept: Path) -> None:
        """Lose all that was committed since the copy was made, as a fail-over to a standby that was behind does."""
        self._process.stop(signal.SIGQUIT)
        shutil.rmtree(self.directory / "data")
        kept.rename(self.directory / "data")
        if self._user is not None:
            data = self.directory / "data"
            for path in (data, *data.rglob("*")):
                shutil.chown(path, self._user, self._user)
        self.start()

    def remove(self) -> None:
        """End the server at once and delete its folder."""
        self._process.stop(signal.SIGQUIT)
        shutil.rmtree(self.directory, ignore_errors=True)

    def log_text(self) -> str:
        return self._process.log_text()

    def url(self, database: str, driver: str = "postgresql+psycopg") -> str:
        """The SQLAlchemy URL of one database; `driver="postgresql"` gives the one that libpq and psycopg understand."""
        return f"{driver}://{SERVICE_USER}@127.0.0.1:{self.port}/{database}"

    def create_database(self, name: str) -> str:
        """Create an empty database; its SQLAlchemy URL."""
        self._execute(f'CREATE DATABASE "{name}"')
        return self.url(name)

    def drop_database(self, name: str) -> None:
        """Drop the database, ending whoever still uses it."""
        self._execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')

    def _execute(self, statement: str) -> None:
        with psycopg.connect(self.url("postgres", "postgresql"), autocommit=True) as connection:
            connection.execute(statement.encode())

    def _answers(self) -> bool:
        if not accepts(self.port):
            return False
        try:
            self._execute("SELECT 1")
        except psycopg.OperationalError:  # "the database system is starting up"
            return False
        return True

    def _initialise(self, data: Path) -> None:
        command = [program("initdb", PACKAGE), "-D", str(data), "-U", SERVICE_USER, "--auth=trust", "--no-sync"]
        command += ["--encoding=UTF8", "--locale=C.UTF-8"]
        done = subprocess.run([*demoted(self._user), *command], capture_output=True, text=True, cwd=self.directory)
        if done.returncode != 0:
            raise ServerFailedError(f"initdb failed with {done.returncode}:\n{done.stdout[-1000:]}{done.stderr[-1000:]}")


def _children(pid: int) -> list[int]:
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
