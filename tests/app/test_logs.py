"""What is logged stays within bounds, whoever's words it repeats."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from io import StringIO

import pytest
import structlog

from gateway.app import logs


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
    logs.configure("info", form, output)
    structlog.get_logger().info("bind", dn="x" * 1_000_000)
    (line,) = output.getvalue().splitlines()
    assert len(line) < logs.MAX_VALUE_CHARACTERS + 200
    assert "(1,000,000 characters)" in line


def test_a_traceback_is_not_cut() -> None:
    output = StringIO()
    logs.configure("info", "json", output)
    try:
        raise ValueError("y" * (2 * logs.MAX_VALUE_CHARACTERS))
    except ValueError:
        structlog.get_logger().exception("operation failed")
    assert len(json.loads(output.getvalue())["exception"]) > 2 * logs.MAX_VALUE_CHARACTERS
