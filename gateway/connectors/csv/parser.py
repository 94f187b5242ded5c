"""Rows of an export from its lines (RFC 4180, with any delimiter, quote and encoding). Python's csv module parses; what it
cannot parse costs the line it begins with, and no more: reading goes on behind that line.

A row is broken when it has another number of fields than the header, a quote that does not end, octets that the encoding does
not know, or a NUL. Memory: one row, and one line of at most MAX_LINE_CHARACTERS."""

import csv
import re
from collections import deque
from collections.abc import Iterator
from typing import Final, NamedTuple, TextIO

from gateway.model.errors import InvalidSourceData

MAX_LINE_CHARACTERS: Final = 1 << 20  # a file with longer ones is not what it is taken for
MAX_FIELD_CHARACTERS: Final = csv.field_size_limit()  # the module's own, for the whole process: 128 Ki
MOST_DOUBTFUL_COLUMNS: Final = 3  # of so few, two rows that have run into one look like one with a delimiter too many

UNKNOWN_OCTETS: Final = "surrogateescape"
"""The error handler to decode with: what cannot be decoded is let through as what no text holds, and found here."""

_UNKNOWN: Final = re.compile("[\ud800-\udfff]")
_QUOTE_FAULT: Final = "a quotation mark that is not closed, or with text behind it (inside a text it must be written twice)"


class Row(NamedTuple):
    """`line` is where it begins, from 1. `fault` says why it is broken, and then `cells` are as good as they could be read:
    each one of the first `sure` is what it seems."""

    line: int
    cells: list[str]
    fault: str = ""
    sure: int = 0


class Lines:
    """The lines of a file, each with its end; they can be put back. Raises InvalidSourceData for one that does not end."""

    def __init__(self, text: TextIO, where: str) -> None:
        self.taken: list[str] = []
        self.number = 0
        self.doubtful_until = 0
        """The last line that was put back."""
        self._text = text
        self._where = where
        self._back: deque[str] = deque()

    def __iter__(self) -> "Lines":
        return self

    def __next__(self) -> str:
        line = self._back.popleft() if self._back else self._text.readline(MAX_LINE_CHARACTERS)
        if not line:
            raise StopIteration
        self.number += 1
        if len(line) == MAX_LINE_CHARACTERS and not line.endswith(("\n", "\r")):
            what = f"this line has more than {MAX_LINE_CHARACTERS:,} characters: is the file a CSV file in this encoding?"
            raise InvalidSourceData(f"{self._where}, line {self.number}: {what}")
        self.taken.append(line)
        return line

    def keep_first(self) -> str:
        """The first line that was taken; all others are put back."""
        first, *others = self.taken
        self.doubtful_until = self.number
        self._back.extendleft(reversed(others))
        self.number -= len(others)
        return first


class Rows:
    """The rows of a file without its empty lines. Set `width` once the header is known: rows of another width are broken."""

    def __init__(self, text: TextIO, where: str, delimiter: str, quote: str) -> None:
        self.width = 0
        self._lines = Lines(text, where)
        self._delimiter = delimiter
        self._quote = quote
        mark, end = re.escape(quote), re.escape(delimiter)
        cell = rf"(?:{mark}(?:[^{mark}]|{mark}{mark})*+{mark}|[^{mark}{end}\r\n]*+)"
        self._whole_cell = re.compile(cell + end)
        self._well_formed = re.compile(rf"{cell}(?:{end}{cell})*+[\r\n]*")

    def __iter__(self) -> Iterator[Row]:
        lines = self._lines
        reader = csv.reader(lines, delimiter=self._delimiter, quotechar=self._quote, strict=True)
        while True:
            lines.taken.clear()
            is_doubtful = lines.number < lines.doubtful_until  # may be the end of a text whose beginning is broken
            try:
                cells = next(reader)
            except StopIteration:
                return
            except csv.Error:
                yield self._unparsable(is_doubtful)
                continue
            if not any(cells):  # an empty line, or what a spreadsheet leaves of one
                continue
            if self.width and len(cells) != self.width:
                yield self._misfit(cells, is_doubtful)
            elif is_doubtful and not self._well_formed.fullmatch("".join(lines.taken)):
                yield self._unparsable(is_doubtful)
            else:
                yield Row(lines.number - len(lines.taken) + 1, cells, _fault(lines.taken), len(cells))

    def _misfit(self, cells: list[str], is_doubtful: bool) -> Row:
        """A row of another width. One of several lines may have taken in rows that are right."""
        if len(self._lines.taken) > 1:
            return self._unparsable(is_doubtful)
        fault = f"{len(cells)} fields, where the header has {self.width} (quote texts that hold the delimiter)"
        is_sure = not is_doubtful and len(cells) > self.width and self._is_one(len(cells))
        return Row(self._lines.number, cells, fault, int(is_sure))

    def _unparsable(self, is_doubtful: bool) -> Row:
        first = self._lines.keep_first()[:MAX_FIELD_CHARACTERS]
        cells = next(csv.reader([first], delimiter=self._delimiter, quotechar=self._quote), [])
        if is_doubtful or not self._is_one(first.count(self._delimiter) + 1):
            return Row(self._lines.number, cells, _QUOTE_FAULT)
        sure = end = 0
        while whole := self._whole_cell.match(first, end):
            sure, end = sure + 1, whole.end()
        return Row(self._lines.number, cells, _QUOTE_FAULT, min(sure, len(cells)))

    def _is_one(self, fields: int) -> bool:
        """Whether a line with so many fields is a single row, with one delimiter too many at most. With more it may be two rows
        that have lost the line end between them, and who knows whom the second one is about."""
        return fields <= self.width + 1 and self.width > MOST_DOUBTFUL_COLUMNS


def _fault(lines: list[str]) -> str:
    for line in lines:
        if "\0" in line:
            return "a NUL character; correct it at the source"
        if not line.isascii() and _UNKNOWN.search(line):
            return "octets that are no text in this encoding; correct them at the source, or give the right encoding"
    return ""
