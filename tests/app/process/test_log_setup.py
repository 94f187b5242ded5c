"""Log lines stay within bounds, whatever text of a client or a foreign system they repeat."""

from __future__ import annotations

import json
import logging
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from io import StringIO
from typing import Any

import pytest
import structlog
from hypothesis import example, given
from hypothesis import strategies as st

from gateway.app.process import log_setup
from tests.model.hostile_text import HOSTILE, RAW


@pytest.fixture(autouse=True)
def default_logging() -> Iterator[None]:
    root = logging.getLogger()
    handlers, level = list(root.handlers), root.level
    yield
    root.handlers[:], root.level = handlers, level
    structlog.reset_defaults()


@pytest.mark.parametrize("form", ["text", "json"])
def test_a_value_as_long_as_a_message_is_cut_and_its_length_told(form: str) -> None:
    output = StringIO()
    log_setup.configure("info", form, output)
    structlog.get_logger().info("bind", dn="x" * 1_000_000)
    (line,) = output.getvalue().splitlines()
    assert len(line) < log_setup.MAX_VALUE_CHARACTERS + 200
    assert "(1,000,000 characters)" in line


def test_a_traceback_is_not_cut() -> None:
    output = StringIO()
    log_setup.configure("info", "json", output)
    try:
        raise ValueError("y" * (2 * log_setup.MAX_VALUE_CHARACTERS))
    except ValueError:
        structlog.get_logger().exception("operation failed")
    assert len(json.loads(output.getvalue())["exception"]) > 2 * log_setup.MAX_VALUE_CHARACTERS


VALUES = st.one_of(st.none(), st.booleans(), st.integers(), st.binary(max_size=5), st.text(max_size=12))
KEYS = st.text("abcxyz_", min_size=1, max_size=8)
LATER = ("exception", "stack", "logger", "logger_name")


METHODS = ("debug", "info", "warning", "warn", "error", "exception")


@given(st.text(max_size=20), st.dictionaries(KEYS | st.sampled_from(LATER), VALUES), st.sampled_from(METHODS))
@example("ends with a space ", {}, "info")
@example("", {"a": "b"}, "info")
@example(
    "two\nlines",
    {"a": "two\nlines", "b": "x" * (log_setup.MAX_VALUE_CHARACTERS + 1), "c": "y " * log_setup.MAX_VALUE_CHARACTERS},
    "info",
)
def test_a_line_is_what_structlog_makes_of_the_event(words: str, more: dict[str, Any], method: str) -> None:
    columns = {key: str(more.pop(key)) for key in LATER if key in more}
    (line,) = log_setup._processors("text", is_terminal=False)
    assert isinstance(line, log_setup._Line)

    ordinary: Any = {"event": words} | more | columns
    for processor in line._ordinary:
        ordinary = processor(None, method, ordinary)
    time, rest = line(None, method, {"event": words} | more | columns).split(" ", 1)
    assert datetime.fromisoformat(time).tzinfo == UTC
    assert rest == ordinary.split(" ", 1)[1]


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE)
@pytest.mark.parametrize("form", ["text", "terminal", "json"])
def test_what_a_terminal_obeys_is_escaped_wherever_it_stands_in_a_line(form: str, text: str) -> None:
    output = Terminal() if form == "terminal" else StringIO()
    log_setup.configure("info", "json" if form == "json" else "text", output)
    structlog.get_logger().info(f"event {text}", short=text, quoted=f"a b{text}", several=[text], error=ValueError(text))
    line = output.getvalue()
    assert line.endswith("\n")
    shown = re.sub("\x1b\\[[0-9;]*m", "", line[:-1])  # the colours are ours
    assert not RAW & set(shown), repr(shown)
    if form == "json":
        assert (json.loads(line)["short"], json.loads(line)["several"]) == (text, [text])


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE)
@pytest.mark.parametrize("form", ["text", "json"])
def test_a_traceback_is_escaped_but_for_its_lines(form: str, text: str) -> None:
    output = StringIO()
    log_setup.configure("info", form, output)
    try:
        raise ValueError(f"of an upstream: {text}")
    except ValueError:
        structlog.get_logger().exception("operation failed")
    assert not (RAW - {"\n"}) & set(output.getvalue())
    assert "Traceback" in output.getvalue()


class Terminal(StringIO):
    def isatty(self) -> bool:
        return True
