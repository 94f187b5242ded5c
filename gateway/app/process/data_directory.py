"""The data folder: made for us alone, and held by one `serve` at a time by a lock that ends with its process."""

from __future__ import annotations

import contextlib
import fcntl
import os
from pathlib import Path
from types import TracebackType
from typing import Self

from gateway.model.errors import ConfigurationError, StoreUnavailable

LOCK_FILE = "serve.lock"
MODE = 0o700


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


def _cure() -> str:
    return "name another one, or run the gateway as the user that owns it"


class DataDirLock:
    """A context manager: holds the folder, or raises StoreUnavailable, naming the process that does."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / LOCK_FILE
        self._descriptor = -1

    def __enter__(self) -> Self:
        try:
            self._descriptor = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:
            cure = "check the disk, and that the gateway's user may write there"
            raise StoreUnavailable(f"{self._path} cannot be opened ({error.strerror}): {cure}") from None
        try:
            fcntl.flock(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            holder = os.read(self._descriptor, 32).decode("ascii", "replace").strip() or "unknown"
            os.close(self._descriptor)
            raise StoreUnavailable(
                f"{self._path.parent} is in use by another `gateway serve` (process {holder}): stop that one first, "
                "or give this one a data_dir of its own"
            ) from None
        with contextlib.suppress(OSError):  # a full disk: the number is only for the complaint above, the lock holds without it
            os.ftruncate(self._descriptor, 0)
            os.pwrite(self._descriptor, f"{os.getpid()}\n".encode(), 0)
        return self

    def __exit__(self, _: type[BaseException] | None, __: BaseException | None, ___: TracebackType | None) -> None:
        os.close(self._descriptor)
