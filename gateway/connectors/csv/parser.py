"""The parser of CSV rows (RFC 4180, with any delimiter, quote and encoding). Python's csv module parses; a row that it cannot
parse costs only its first line, and parsing continues after that line.

A row is broken when it has another number of fields than the header, a quote that does not end, octets that are invalid in the
encoding, or a NUL. Memory: one row, and one line of at most MAX_LINE_CHARACTERS."""

import csv
import re
from collections import deque
from collections.abc import Iterator
from typing import Final, NamedTuple, TextIO

from gateway.model.errors import InvalidSourceData

MAX_LINE_CHARACTERS: Final = 1 << 20  # a file with longer lines is no CSV file
MAX_FIELD_CHARACTERS: Final = csv.field_size_limit()  # the csv module's own limit, for the whole process: 128 Ki
MOST_DOUBTFUL_COLUMNS: Final = (
    3  # with so few, two rows without the line end between them look like one row with a delimiter too many
)

UNKNOWN_OCTETS: Final = "surrogateescape"
"""The error handler to decode with: invalid octets become lone surrogates, which no text holds, and are found here."""

_UNKNOWN: Final = re.compile("[\ud800-\udfff]")
_QUOTE_FAULT: Final = "a quotation mark that is not closed, or with text behind it (inside a text it must be written twice)"


class Row(NamedTuple):
    """One row. `line`: its first line, from 1. `fault`: the reason why it is broken, or ""; then only the first `sure` of
    `cells` are reliable."""

    line: int
    cells: list[str]
    fault: str = ""
    sure: int = 0


class Lines:
    """The lines of a file, each with its end; they can be put back. Raises InvalidSourceData for a line that is too long."""

    def __init__(self, text: TextIO, where: str) -> None:
        self.taken: list[str] = []
        self.number = 0
        self.doubtful_until = 0
        """The number of the last line that was put back."""
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
        """Return the first line that was taken; put all others back."""
        first, *others = self.taken
        self.doubtful_until = self.number
        self._back.extendleft(reversed(others))
        self.number -= len(others)
        return first


class Rows:
    """The rows of a file without its empty lines. `width` is set once the header is known: rows of another width are broken."""

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
            is_doubtful = lines.number < lines.doubtful_until  # the line may be the end of a text whose beginning is broken
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
                yield self._wrong_width(cells, is_doubtful)
            elif is_doubtful and not self._well_formed.fullmatch("".join(lines.taken)):
                yield self._unparsable(is_doubtful)
            else:
                yield Row(lines.number - len(lines.taken) + 1, cells, _fault(lines.taken), len(cells))

    def _wrong_width(self, cells: list[str], is_doubtful: bool) -> Row:
        """Return a row of another width as broken. One of several lines may have swallowed valid rows, so it counts as
        unparsable."""
        if len(self._lines.taken) > 1:
            return self._unparsable(is_doubtful)
        fault = f"{len(cells)} fields, where the header has {self.width} (quote texts that hold the delimiter)"
        is_sure = not is_doubtful and len(cells) > self.width and self._is_one_row(len(cells))
        return Row(self._lines.number, cells, fault, int(is_sure))

    def _unparsable(self, is_doubtful: bool) -> Row:
        """Return the first line as a broken row; put the other lines back."""
        first = self._lines.keep_first()[:MAX_FIELD_CHARACTERS]
        cells = next(csv.reader([first], delimiter=self._delimiter, quotechar=self._quote), [])
        if is_doubtful or not self._is_one_row(first.count(self._delimiter) + 1):
            return Row(self._lines.number, cells, _QUOTE_FAULT)
        sure = end = 0
        while whole := self._whole_cell.match(first, end):
            sure, end = sure + 1, whole.end()
        return Row(self._lines.number, cells, _QUOTE_FAULT, min(sure, len(cells)))

    def _is_one_row(self, fields: int) -> bool:
        """Return True when a line with so many fields is certainly one row, with at most one delimiter too many. With more it
        may be two rows that have lost the line end between them."""
        return fields <= self.width + 1 and self.width > MOST_DOUBTFUL_COLUMNS


def _fault(lines: list[str]) -> str:
    """Return the fault in the characters of a row; "" when there is none."""
    for line in lines:
        if "\0" in line:
            return "a NUL character; correct it at the source"
        if not line.isascii() and _UNKNOWN.search(line):
            return "octets that are no text in this encoding; correct them at the source, or give the right encoding"
    return ""
