"""Log lines: structlog on standard error, as text or JSON; what Twisted and the standard library log goes the same way.

Secrets never come here: the settings' values do not print, and no event carries a password, token or cookie.
"""

from __future__ import annotations

import logging
import re
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from functools import partial
from io import StringIO
from typing import TextIO, cast

import structlog
from structlog.typing import EventDict, ProcessorReturnValue, WrappedLogger
from twisted.logger import ILogObserver, LogEvent, LogLevel, formatEvent, globalLogBeginner
from zope.interface import implementer

from gateway.app.process.log_output import GuardedStream, LogOutput, QueuedOutput
from gateway.model.printable_text import printable, printable_json, printable_lines

LEVELS = {"debug": logging.DEBUG, "info": logging.INFO, "warning": logging.WARNING, "error": logging.ERROR}
TWISTED_LEVELS = {
    LogLevel.debug: "debug",
    LogLevel.info: "debug",  # Twisted reports every port and factory: of interest to its developers only
    LogLevel.warn: "warning",
    LogLevel.error: "error",
    LogLevel.critical: "error",
}
LIBRARY_LEVEL = logging.WARNING
MAX_VALUE_CHARACTERS = 2_000
"""A client's bind name may be as long as a message; a disk is not for that."""


def configure(
    level: str, form: str, stream: TextIO | None = None, *, worker: int | None = None, queued: bool = False
) -> LogOutput:
    """Log events of `level` and above to `stream` (standard error), as "text" or "json"; return the output. May be called
    again. `worker`: the number that every line of a worker process carries. `queued`: for servers, which never wait for the
    reader of standard error."""
    errors = stream or sys.stderr
    processors = [*_signature(worker), *_processors(form, is_terminal=errors is not None and errors.isatty())]
    output: LogOutput
    if queued:
        output = QueuedOutput(errors.fileno() if errors is not None else None, partial(_dropped, processors))
    else:
        output = GuardedStream(errors)
    structlog.configure(
        processors=processors,
        wrapper_class=structlog.make_filtering_bound_logger(LEVELS[level]),
        logger_factory=structlog.WriteLoggerFactory(cast(TextIO, output)),
        cache_logger_on_first_use=False,
    )
    root = logging.getLogger()
    root.handlers[:] = [_Forwarder()]
    root.setLevel(LIBRARY_LEVEL)
    return output


def _dropped(processors: Sequence[structlog.typing.Processor], lines: int, reason: str) -> str:
    """Return the line that tells how many lines were dropped."""
    made: ProcessorReturnValue = {"event": "log lines were dropped", "lines": lines, "reason": reason, "cure": _DROPPED_CURE}
    for processor in processors:
        made = processor(None, "warning", made)  # type: ignore[arg-type]  # only the last one returns text
    return f"{cast(str, made)}\n"


_DROPPED_CURE = "make room on the device, or read standard error faster"


def forward_twisted() -> None:
    """Send Twisted's own events to structlog, for good: call it once, when the process becomes a server."""
    globalLogBeginner.beginLoggingTo([cast(ILogObserver, _TwistedObserver())], redirectStandardIO=False, discardBuffer=True)


def _processors(form: str, *, is_terminal: bool) -> list[structlog.typing.Processor]:
    shared: list[structlog.typing.Processor] = [
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        _shortened,
    ]
    if form == "json":
        return [*shared, structlog.processors.format_exc_info, structlog.processors.JSONRenderer(printable_json)]
    # Without a terminal there is nothing to align: one event is one line of words and key=value.
    # The plain traceback, because the pretty ones show local variables, and those hold passwords.
    renderer = structlog.dev.ConsoleRenderer(
        colors=is_terminal, pad_event_to=0, pad_level=False, exception_formatter=_plain_traceback
    )
    ordinary: list[structlog.typing.Processor] = [*shared, _one_line, renderer]
    return ordinary if is_terminal else [_Line(ordinary)]


def _signature(worker: int | None) -> list[structlog.typing.Processor]:
    """Return the processor that adds the worker's number to an event; none in the primary."""

    def sign(_: WrappedLogger, __: str, event: EventDict) -> EventDict:
        event.setdefault("worker", worker)
        return event

    return [] if worker is None else [sign]


def _shortened(_: WrappedLogger, __: str, event: EventDict) -> EventDict:
    """Cut long text and add its length; what follows it in the event, tracebacks, is not text yet."""
    for key, value in event.items():
        if isinstance(value, str) and len(value) > MAX_VALUE_CHARACTERS:
            event[key] = f"{value[:MAX_VALUE_CHARACTERS]}… ({len(value):,} characters)"
    return event


def _one_line(_: WrappedLogger, __: str, event: EventDict) -> EventDict:
    """Replace line breaks: one in a foreign system's text must not look like a second event; and escape what a terminal obeys.
    What is no text is written as its repr(), which escapes."""
    return {key: printable(value.replace("\n", " ⏎ ")) if isinstance(value, str) else value for key, value in event.items()}


def _plain_traceback(stream: TextIO, exc_info: structlog.typing.ExcInfo) -> None:
    """Write a traceback without colours and variables, its text escaped."""
    lines = StringIO()
    structlog.dev.plain_traceback(lines, exc_info)
    stream.write(printable_lines(lines.getvalue()))


class _Line:
    """The renderer of text without colours, for speed: there is a line for each bind. It makes what the processors `ordinary`
    make, and leaves to them each event that has several lines, a column of its own or no text."""

    def __init__(self, ordinary: Sequence[structlog.typing.Processor]) -> None:
        self._ordinary = ordinary

    def __call__(self, logger: WrappedLogger, method: str, event: EventDict) -> str:
        if not _COLUMNS.isdisjoint(event) or not event.get("event"):
            made: ProcessorReturnValue = event
            for processor in self._ordinary:
                made = processor(logger, method, made)  # type: ignore[arg-type]  # only the last one returns text
            return cast(str, made)
        now = datetime.now(UTC).isoformat().removesuffix("+00:00")
        line = f"{now}Z [{_LEVEL_NAMES.get(method, method)}] {_cleaned(event.pop('event'))}"
        for key in sorted(event):
            line += f" {key}={_rendered(event[key])}"
        return line.rstrip(" ")


def _rendered(value: object) -> str:
    """Return a value as it stands in a line."""
    if isinstance(value, str) and len(value) <= MAX_VALUE_CHARACTERS and _PLAIN.fullmatch(value) is not None:
        return value
    worded = _cleaned(value)
    return worded if isinstance(worded, str) and _NEEDS_QUOTES.search(worded) is None else repr(worded)


def _cleaned(value: object) -> object:
    """Return a value as `_shortened` and `_one_line` leave it."""
    cleaned: object = _one_line(None, "", _shortened(None, "", {"": value}))[""]
    return cleaned


_LEVEL_NAMES = {"warn": "warning", "exception": "error"}
_COLUMNS = frozenset(("exc_info", "exception", "stack", "logger", "logger_name", "level", "timestamp"))
_PLAIN = re.compile("[!#-&(-<>-~]*")
"""ASCII that can be seen, without what needs quotes."""
_NEEDS_QUOTES = re.compile("[ \\t=\\r\\n\"']")


class _Forwarder(logging.Handler):
    """Standard library events (Alembic, ldap3, …) on their way to structlog."""

    def emit(self, record: logging.LogRecord) -> None:
        logger = structlog.get_logger(library=record.name)
        logger.log(max(record.levelno, logging.DEBUG), record.getMessage(), exc_info=record.exc_info)


@implementer(ILogObserver)
class _TwistedObserver:
    """Twisted's events on their way to structlog."""

    def __call__(self, event: LogEvent) -> None:
        logger = structlog.get_logger(library=event.get("log_namespace", "twisted"))
        failure = event.get("log_failure")
        level = TWISTED_LEVELS.get(event.get("log_level", LogLevel.info), "error")
        trace = {"exc_info": (failure.type, failure.value, failure.getTracebackObject())} if failure is not None else {}
        getattr(logger, level)(formatEvent(event) or "an error without words", **trace)
