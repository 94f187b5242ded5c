"""How every counterpart is found, started, watched and ended: one child process that never outlives us.

A missing program is an error that names its Debian package; it is never a reason to skip a test.
"""

from __future__ import annotations

import contextlib
import random
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

# /usr/sbin holds slapd but is not on an ordinary user's PATH; Debian keeps PostgreSQL's own programs beside their version.
SEARCH_PATH = ("/usr/local/sbin", "/usr/local/bin", "/usr/sbin", "/usr/bin", "/sbin", "/bin")
POSTGRESQL_FOLDERS = Path("/usr/lib/postgresql")

# Below the kernel's ephemeral range (32768 and up): while a server is down, no outgoing connection can be given its port.
PORTS = range(15000, 32000)
START_SECONDS = 30.0
STOP_SECONDS = 20.0
POLL_SECONDS = 0.01
LOG_TAIL_CHARACTERS = 3000


class MissingProgramError(RuntimeError):
    """A server program that the tests need is not installed."""


class ServerFailedError(RuntimeError):
    """A server ended early, did not become ready, or refused to stop; the message carries the end of its log."""


def program(name: str, package: str) -> str:
    """The path of the program; MissingProgramError names the Debian package that brings it."""
    newest_first = sorted(POSTGRESQL_FOLDERS.glob("*/bin"), key=lambda folder: float(folder.parent.name), reverse=True)
    folders = [*SEARCH_PATH, *map(str, newest_first)]
    found = shutil.which(name) or shutil.which(name, path=":".join(folders))
    if found is None:
        raise MissingProgramError(
            f"{name} is not installed: these tests run against the real server. "
            f"Install Debian's package {package} (apt-get install {package}), or run scripts/environment --test."
        )
    return found


def free_port() -> int:
    """A TCP port on loopback that nobody listens on now and that the kernel gives to nobody by itself."""
    entropy = random.SystemRandom()  # Hypothesis seeds the other one alike in every worker
    for _ in range(200):
        port = entropy.choice(PORTS)
        with socket.socket() as probe, contextlib.suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port
    raise ServerFailedError(f"no free port on 127.0.0.1 between {PORTS.start} and {PORTS.stop}")


def accepts(port: int) -> bool:
    """Whether something on loopback accepts a connection on this port."""
    with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
        return True
    return False


class ServerProcess:
    """One server program in the foreground, its output in a file. It is killed when the thread that started it ends."""

    def __init__(
        self, command: Sequence[str], log: Path, *, cwd: Path, user: str | None = None, environ: Mapping[str, str] | None = None
    ) -> None:
        self.command = command
        self.log = log
        self._cwd = cwd
        self._user = user
        self._environ = environ
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int:
        """The id of the running process; ServerFailedError when it does not run."""
        return self._running().pid

    @property
    def running(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def start(self, ready: Callable[[], bool]) -> None:
        """Start and wait until `ready()` is true; ServerFailedError when the program ends before, or after START_SECONDS."""
        if self.running:
            raise ServerFailedError(f"{self.command[0]} is running already")
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                [*demoted(self._user), *self.command],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                cwd=self._cwd,
                env=self._environ,
            )
        deadline = time.monotonic() + START_SECONDS
        while not ready():
            if self._process.poll() is not None:
                raise self._failure("ended while starting")
            if time.monotonic() > deadline:
                self.kill()
                raise self._failure(f"was not ready after {START_SECONDS:.0f} s")
            time.sleep(POLL_SECONDS)

    def stop(self, number: signal.Signals = signal.SIGTERM) -> None:
        """Ask it to end and wait until it has; nothing when it does not run."""
        if self._process is None:
            return
        with contextlib.suppress(ProcessLookupError):
            self._process.send_signal(number)
            self._process.send_signal(signal.SIGCONT)  # a suspended process cannot end
        try:
            self._process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self.kill()
            raise self._failure(f"did not stop within {STOP_SECONDS:.0f} s") from None
        self._process = None

    def kill(self) -> None:
        """End it at once, as a power failure would; nothing when it does not run."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    def suspend(self) -> None:
        """Freeze it: its port still accepts connections (the kernel does that), nothing is answered."""
        pid = self._running().pid
        self._running().send_signal(signal.SIGSTOP)
        while not all(_is_stopped(task) for task in Path(f"/proc/{pid}/task").iterdir()):
            time.sleep(POLL_SECONDS)  # a thread that is running goes on for a moment, and may answer what comes right now

    def resume(self) -> None:
        """Let a suspended process go on."""
        self._running().send_signal(signal.SIGCONT)

    def log_text(self) -> str:
        """Everything it has printed since the first start."""
        return self.log.read_text(errors="replace") if self.log.exists() else ""

    def _running(self) -> subprocess.Popen[bytes]:
        if self._process is None or self._process.poll() is not None:
            raise self._failure("is not running")
        return self._process

    def _failure(self, what: str) -> ServerFailedError:
        return ServerFailedError(f"{self.command[0]} {what}; the end of its log:\n{self.log_text()[-LOG_TAIL_CHARACTERS:]}")


def _is_stopped(task: Path) -> bool:
    return (task / "stat").read_text().rpartition(")")[2].split()[0] == "T"


def demoted(user: str | None) -> list[str]:
    """The command prefix that runs a program as `user` (or as us), killed by the kernel when our thread ends."""
    identity = [] if user is None else [f"--reuid={user}", f"--regid={user}", "--init-groups"]
    return [program("setpriv", "util-linux"), "--pdeathsig=KILL", *identity, "--"]
