"""Log lines are written, or dropped and counted; the one who logs neither waits nor fails."""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
import threading
from collections.abc import Callable
from io import BytesIO, StringIO, TextIOWrapper
from pathlib import Path

import pytest

from gateway.app.process import log_output
from gateway.app.process.log_output import GuardedStream, QueuedOutput


def report(lines: int, reason: str) -> str:
    return f"dropped {lines}: {reason}\n"


def test_what_is_queued_is_written_in_order(tmp_path: Path) -> None:
    with (tmp_path / "log").open("wb") as file:
        output = QueuedOutput(file.fileno(), report)
        for number in range(1000):
            output.write(f"line {number}\n")
        output.drain()
        assert (tmp_path / "log").read_text().splitlines() == [f"line {number}" for number in range(1000)]
        assert output.dropped == 0


def test_a_reader_that_does_not_read_costs_lines_and_hears_of_them_when_it_reads_again() -> None:
    reading, writing = os.pipe()
    output = QueuedOutput(writing, report)
    line = "x" * 1023 + "\n"
    lines = 2 * log_output.MAX_QUEUED_CHARACTERS // 1024

    def write() -> None:
        for _ in range(lines):
            output.write(line)

    writer = threading.Thread(target=write)
    writer.start()
    writer.join(20)
    assert not writer.is_alive(), "it waits"
    assert lines // 3 < output.dropped < lines
    dropped = output.dropped
    told = 0
    with os.fdopen(reading) as reader:
        left = lines - dropped
        while left or told < dropped:  # the first may be told of while others are dropped
            read = reader.readline()
            if read == line:
                left -= 1
            else:
                told += int(read.removeprefix("dropped ").removesuffix(": standard error is not read fast enough\n"))
    assert (left, told) == (0, dropped)
    os.close(writing)


def test_lines_that_a_device_refuses_are_told_when_it_takes_lines_again(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    full, write = [True], os.write

    def writing(descriptor: int, data: bytes) -> int:
        if full[0] and descriptor == file.fileno():
            raise OSError(errno.ENOSPC, "No space left on device")
        return write(descriptor, data)

    monkeypatch.setattr(os, "write", writing)
    with (tmp_path / "log").open("wb") as file:
        output = QueuedOutput(file.fileno(), report)
        for _ in range(3):
            output.write("lost\n")
            output.drain()
        full[0] = False
        output.write("here\n")
        output.drain()
        output.write("again\n")
        output.drain()
        assert (tmp_path / "log").read_text() == "dropped 3: No space left on device\nhere\nagain\n"
        assert output.dropped == 3


def test_a_pipe_that_somebody_made_non_blocking_loses_nothing() -> None:
    reading, writing = os.pipe()
    fcntl.fcntl(writing, fcntl.F_SETFL, os.O_NONBLOCK)
    output = QueuedOutput(writing, report)
    for _ in range(1000):
        output.write("y" * 999 + "\n")
    with os.fdopen(reading) as reader:
        assert all(reader.readline() == "y" * 999 + "\n" for _ in range(1000))
    assert output.dropped == 0
    output.drain()
    os.close(writing)


def _closed() -> TextIOWrapper:
    stream = TextIOWrapper(BytesIO())
    stream.close()
    return stream


def _broken_pipe() -> TextIOWrapper:
    reading, writing = os.pipe()
    os.close(reading)
    return TextIOWrapper(os.fdopen(writing, "wb", 0), write_through=True)


def _full() -> TextIOWrapper:
    return TextIOWrapper(Path("/dev/full").open("wb", 0), write_through=True)


@pytest.mark.parametrize("stream", [_closed, _broken_pipe, _full, lambda: None])
def test_a_command_goes_on_where_lines_cannot_be_written(stream: Callable[[], TextIOWrapper | None]) -> None:
    made = stream()
    output = GuardedStream(made)
    output.write("line\n")
    output.write("line\n")
    assert output.dropped == 2
    if made is not None:
        with contextlib.suppress(OSError):
            made.close()


def test_a_queue_without_a_file_drops_and_counts() -> None:
    output = QueuedOutput(None, report)
    output.write("line\n")
    output.drain()
    assert output.dropped == 1


def test_what_an_encoding_does_not_have_is_escaped(tmp_path: Path) -> None:
    with (tmp_path / "log").open("w", encoding="ascii") as file:
        GuardedStream(file).write("é \udc80\n")
        output = QueuedOutput(file.fileno(), report)
        output.write("\udc80\n")
        output.drain()
    assert (tmp_path / "log").read_text() == "\\xe9 \\udc80\n\\udc80\n"
    ordinary = StringIO()
    GuardedStream(ordinary).write("é\n")
    assert ordinary.getvalue() == "é\n"
