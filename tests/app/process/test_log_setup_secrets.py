"""Log lines: one for each event, whatever a foreign system's text holds, and without secrets."""

from __future__ import annotations

import io
import json
import logging
from collections.abc import Iterator

import pytest
import structlog

from gateway.app.process import log_setup

SECRET = "-".join(["open", "sesame"])  # spelled so that the source lines of a traceback do not hold it


@pytest.fixture
def logging_restored() -> Iterator[None]:
    handlers, level = logging.getLogger().handlers[:], logging.getLogger().level
    yield
    structlog.reset_defaults()
    logging.getLogger().handlers[:] = handlers
    logging.getLogger().setLevel(level)


def fail_with_a_secret_at_hand(password: str) -> None:
    raise ValueError("no luck")


@pytest.mark.usefixtures("logging_restored")
@pytest.mark.parametrize("form", ["text", "json"])
def test_a_traceback_in_the_log_shows_no_local_variables(form: str) -> None:
    output = io.StringIO()
    log_setup.configure("info", form, output)
    try:
        fail_with_a_secret_at_hand(SECRET)
    except ValueError:
        structlog.get_logger().exception("it went wrong")
    assert "no luck" in output.getvalue()
    assert SECRET not in output.getvalue()


@pytest.mark.usefixtures("logging_restored")
def test_a_log_event_is_one_line_whatever_a_foreign_system_says() -> None:
    output = io.StringIO()
    log_setup.configure("info", "text", output)
    structlog.get_logger().warning("the server says: no\nand no again", source="hr")
    assert output.getvalue().count("\n") == 1
    assert "no ⏎ and no again" in output.getvalue()


@pytest.mark.usefixtures("logging_restored")
def test_the_standard_library_logs_through_the_same_lines() -> None:
    output = io.StringIO()
    log_setup.configure("info", "json", output)
    logging.getLogger("some.library").warning("careful, %s", "you")
    logging.getLogger("some.library").info("chatter")
    line = json.loads(output.getvalue())
    assert (line["event"], line["library"], line["level"]) == ("careful, you", "some.library", "warning")
