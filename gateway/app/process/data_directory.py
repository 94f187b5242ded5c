"""The data folder: made for us alone, and held by one `serve` at a time by a lock that ends with its process."""

from __future__ import annotations

import contextlib
import fcntl
import os
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

from gateway.model.errors import ConfigurationError, StoreUnavailable

LOCK_FILE = "serve.lock"
MODE = 0o700
LOOK_SECONDS = 0.2  # `holder` takes microseconds
PROBE_BYTES = 64 * 1024  # so that a disk is reported as full before the last page of it is
LOCK_FILE_BYTES = 256  # a process id and a digest


def prepare(folder: Path) -> None:
    """Make the folder (mode 0700) when it is not there; raises ConfigurationError when it cannot be used."""
    try:
        if not folder.exists():
            folder.mkdir(mode=MODE, parents=True)
        usable = folder.is_dir() and os.access(folder, os.R_OK | os.W_OK | os.X_OK)
    except OSError as error:
        raise ConfigurationError(f"[gateway] data_dir {folder} cannot be made: {error.strerror}; {_cure()}") from None
    if not usable:
        raise ConfigurationError(f"[gateway] data_dir {folder} is not a folder that this user can write to; {_cure()}")


def check_room(folder: Path) -> None:
    """Raise StoreUnavailable when nothing can be written into the folder, because its disk is full or read-only. Nothing
    happens without the folder."""
    if not folder.is_dir():
        return
    try:
        with tempfile.TemporaryFile(dir=folder) as file:
            file.write(bytes(PROBE_BYTES))
            file.flush()
    except OSError as error:
        cure = "make room, and see that the gateway's user may write there"
        raise StoreUnavailable(f"[gateway] data_dir {folder} takes no writes ({error.strerror}): {cure}") from None


def _cure() -> str:
    return "name another one, or run the gateway as the user that owns it"


@dataclass(frozen=True, slots=True)
class Holder:
    """The `serve` that holds a folder: its process id, and the digest of the rules by which it reads its sources."""

    process: str
    rules: str


def holder(folder: Path) -> Holder | None:
    """Return the `serve` that holds the folder now, None when none does."""
    try:
        descriptor = os.open(folder / LOCK_FILE, os.O_RDWR | os.O_CLOEXEC)
    except OSError:  # none has ever served here, or it is another user's: the store says so
        return None
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return _holder(descriptor)
    finally:
        os.close(descriptor)
    return None


def _holder(descriptor: int) -> Holder:
    process, _, rules = os.pread(descriptor, LOCK_FILE_BYTES, 0).decode("ascii", "replace").partition("\n")
    return Holder(process.strip() or "unknown", rules.strip())


class DataDirLock:
    """A context manager: holds the folder, or raises StoreUnavailable, naming the process that does. `rules`: see Holder."""

    def __init__(self, folder: Path, rules: str = "") -> None:
        self._rules = rules
        self._path = folder / LOCK_FILE
        self._descriptor = -1

    def __enter__(self) -> Self:
        try:
            self._descriptor = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:
            cure = "check the disk, and that the gateway's user may write there"
            raise StoreUnavailable(f"{self._path} cannot be opened ({error.strerror}): {cure}") from None
        if not self._locks():
            time.sleep(LOOK_SECONDS)  # a command may be looking who holds it
        if not self._locks():
            other = _holder(self._descriptor).process
            os.close(self._descriptor)
            raise StoreUnavailable(
                f"{self._path.parent} is in use by another `gateway serve` (process {other}): stop that one first, "
                "or give this one a data_dir of its own"
            ) from None
        with contextlib.suppress(OSError):  # a full disk: the number is only for the complaint above, the lock holds without it
            os.ftruncate(self._descriptor, 0)
            os.pwrite(self._descriptor, f"{os.getpid()}\n{self._rules}\n".encode(), 0)
        return self

    def _locks(self) -> bool:
        try:
            fcntl.flock(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True

    def __exit__(self, _: type[BaseException] | None, __: BaseException | None, ___: TracebackType | None) -> None:
        os.close(self._descriptor)
