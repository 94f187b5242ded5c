"""The law of CSV sources: whatever happens to one row of an export, nobody is taken for gone who is still in it."""

import csv
import io
import os
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.connectors.csv.settings import CsvSettings, user_mapping
from gateway.connectors.csv.source import CsvSource
from gateway.model.errors import InvalidSourceData
from gateway.model.objects import Kind
from tests.connectors.record_replica import RecordReplica

HEADER = ["id", "username", "title", "Unit", "Groups"]
PEOPLE = 6
LINE_END = b"\r\n"

_CELL = st.sampled_from(["", "x", "Engineer", "a,b", 'say "hi"', "two\nlines", "Ä", "é\r\nö", " "])
_ROWS = st.lists(st.tuples(_CELL, _CELL, _CELL), min_size=PEOPLE, max_size=PEOPLE)
_QUOTING = st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL])
_DAMAGE = st.sampled_from([b"", b'"', b",", b"\n", b"\r\n", b"\0", b"\xff", b'""', b',"', b'",', b"x", b",,,,", b"\xc3"])


@contextmanager
def export() -> Iterator[tuple[Path, CsvSource]]:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "export.csv"
        said = {"username": "username", "title": "title"}
        rules = CsvSettings(
            id="hr",
            path=path,
            id_column="id",
            users=user_mapping(said),
            chosen=frozenset(said),
            organization_column="Unit",
            groups_column="Groups",
            stable_seconds=0.001,
        )
        yield path, CsvSource(rules)


def written(rows: list[tuple[str, str, str]], quoting: int) -> list[bytes]:
    """The header and each row as they stand in the file."""
    lines = []
    for row in [HEADER, *([f"id-{number}", f"user{number}", *cells] for number, cells in enumerate(rows))]:
        text = io.StringIO(newline="")
        csv.writer(text, quoting=quoting).writerow(row)  # type: ignore[arg-type]
        lines.append(text.getvalue().encode())
    return lines


def write(path: Path, octets: bytes) -> None:
    path.write_bytes(octets)
    os.utime(path, (time.time() - 10, time.time() - 10))


@settings(max_examples=300, deadline=None)
@given(_ROWS, _QUOTING, st.integers(1, PEOPLE), st.floats(0, 1), st.integers(0, 3), _DAMAGE)
def test_a_damaged_row_deletes_no_user(
    rows: list[tuple[str, str, str]], quoting: int, which: int, place: float, lost: int, damage: bytes
) -> None:
    lines = written(rows, quoting)
    with export() as (path, source):
        write(path, b"".join(lines))
        replica = RecordReplica().read(source)
        before = set(replica.records)
        row = lines[which]
        start = row.index(b",") + 1  # the id itself stays: another id is another person
        at = start + int(place * (len(row) - start - len(LINE_END)))
        lines[which] = row[:at] + damage + row[at + lost :]
        write(path, b"".join(lines))
        try:
            replica.read(source)
        except InvalidSourceData:
            assert set(replica.records) == before
        people = {(Kind.USER, f"id-{number}") for number in range(PEOPLE)}
        assert people <= replica.records.keys()
        if any(delta.problem for (kind, _), delta in replica.records.items() if kind is Kind.USER):
            assert before <= replica.records.keys(), "while a row is kept aside, organizations and groups lose nothing"


@settings(max_examples=100, deadline=None)
@given(_ROWS, _QUOTING, st.data())
def test_a_truncated_file_deletes_only_records_that_are_missing_in_it(
    rows: list[tuple[str, str, str]], quoting: int, data: st.DataObject
) -> None:
    lines = written(rows, quoting)
    whole = b"".join(lines)
    with export() as (path, source):
        write(path, whole)
        replica = RecordReplica().read(source)
        end = data.draw(st.integers(0, len(whole)))
        write(path, whole[:end])
        try:
            replica.read(source)
        except InvalidSourceData:
            return
        complete = [number for number in range(PEOPLE) if len(b"".join(lines[: number + 2])) <= end]
        assert {(Kind.USER, f"id-{number}") for number in complete} <= replica.records.keys()
