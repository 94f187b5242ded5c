"""The way of log lines to standard error: it never raises into the work, and where a server logs it never makes it wait.

A full device, a closed pipe and a pipe that is not read cost log lines and nothing else. What is dropped is counted, and told
as soon as lines can be written again."""

from __future__ import annotations

import os
import select
import threading
from collections import deque
from collections.abc import Callable
from typing import Final, Protocol, TextIO

MAX_QUEUED_CHARACTERS: Final = 4 * 1024 * 1024
"""Log lines that wait for a slow reader: half a minute of a busy server, and little memory beside its views."""

BATCH_CHARACTERS: Final = 64 * 1024
"""Lines that are written at once: as much as a pipe holds."""

DRAIN_SECONDS: Final = 1.0
"""An ending process waits so long for its last lines to be written; who reads them needs milliseconds."""


class LogOutput(Protocol):
    """The output of log lines. `dropped`: lines that could not be written."""

    dropped: int

    def write(self, text: str) -> None:
        """Write a line, or count it as dropped; raises nothing."""

    def flush(self) -> None:
        """Do nothing: structlog calls it after each line."""

    def drain(self) -> None:
        """Wait until all is written, for a bounded time."""


class GuardedStream:
    """A text stream whose errors are not the work's: for commands, which may wait for a pager."""

    def __init__(self, stream: TextIO | None) -> None:
        self.dropped = 0
        self._stream = stream

    def write(self, text: str) -> None:
        """Write a line, or count it as dropped."""
        try:
            if self._stream is None:
                raise OSError
            self._stream.write(text)
            self._stream.flush()
        except UnicodeEncodeError:
            self.write(text.encode("ascii", "backslashreplace").decode())
        except (OSError, ValueError):  # ValueError: the stream is closed
            self.dropped += 1

    def flush(self) -> None:
        """Do nothing: every line has been flushed."""

    def drain(self) -> None:
        """Do nothing: nothing waits."""


class QueuedOutput:
    """A queue of log lines, and the thread that writes them to a file descriptor. `report`: makes the line that tells how many
    lines were dropped, and why. `dropped`: all that were."""

    def __init__(self, descriptor: int | None, report: Callable[[int, str], str]) -> None:
        self.dropped = 0
        self._descriptor = descriptor
        self._report = report
        self._reason = ""
        self._unreported = 0
        self._lines: deque[str] = deque()
        self._characters = 0
        """Of all lines that are not yet written, those in the writer's hands included."""
        self._changed = threading.Condition()
        self._thread = threading.Thread(
            target=self._run, name="log lines", daemon=True
        )  # a blocked write ends with the process
        self._thread.start()

    def write(self, text: str) -> None:
        """Queue a line; it is dropped when too much waits already. Any thread may call it; it waits for nothing."""
        with self._changed:
            if self._characters + len(text) > MAX_QUEUED_CHARACTERS:
                self._count(1, "standard error is not read fast enough")
                return
            self._characters += len(text)
            self._lines.append(text)
            self._changed.notify_all()

    def flush(self) -> None:
        """Do nothing: the thread writes as soon as it can."""

    def drain(self) -> None:
        """Wait until all is written, at most DRAIN_SECONDS."""
        with self._changed:
            self._changed.wait_for(lambda: not self._characters, DRAIN_SECONDS)

    def _run(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._lines)
                batch = self._next_batch()
                missing, reason = self._unreported, self._reason
            problem = ""
            if missing:
                problem = self._put(self._report(missing, reason))
            if not problem:
                with self._changed:
                    self._unreported -= missing
                problem = self._put("".join(batch))
            with self._changed:
                self._characters -= sum(map(len, batch))
                if problem:
                    self._count(len(batch), problem)
                self._changed.notify_all()

    def _next_batch(self) -> list[str]:
        batch = [self._lines.popleft()]
        size = len(batch[0])
        while self._lines and size + len(self._lines[0]) <= BATCH_CHARACTERS:
            batch.append(self._lines.popleft())
            size += len(batch[-1])
        return batch

    def _count(self, lines: int, reason: str) -> None:
        self.dropped += lines
        self._unreported += lines
        self._reason = reason

    def _put(self, text: str) -> str:
        """Write, and return what was in the way; "" when all is written."""
        if self._descriptor is None:
            return "standard error is closed"
        data = memoryview(text.encode("utf-8", "backslashreplace"))
        while data:
            try:
                data = data[os.write(self._descriptor, data) :]
            except BlockingIOError:  # another program has made the pipe non-blocking
                select.select((), (self._descriptor,), ())
            except OSError as error:
                return error.strerror or type(error).__name__
        return ""
