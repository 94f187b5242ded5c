"""The line of a TOML text on which a key or a table is written.

The parser does not keep it, so the text is looked through again, as far as complaints need: a line inside a multi-line text
that looks like a key counts too."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TypeAlias

Location: TypeAlias = tuple[str | int, ...]
"""The tables and keys that lead to a value; an element of a list of tables is its number, from 0."""

HEADER = re.compile(r"^\s*(\[\[?)\s*([A-Za-z0-9_.\"' -]+?)\s*\]\]?\s*(#.*)?$")
KEY = re.compile(r"""^\s*["']?([A-Za-z0-9_-]+)["']?\s*[=.]""")


def locate(text: str, location: Location) -> int | None:
    """Return the line of TOML `text` where `location` is written, or of the nearest table around it, if any."""
    best, best_depth = None, 0
    for number, here in _written(text):
        depth = _shared(here, location)
        if depth == len(here) and depth > best_depth:
            best, best_depth = number, depth
    return best


def _written(text: str) -> Iterator[tuple[int, Location]]:
    """Yield the line and location of each header and each key of the text."""
    table: Location = ()
    seen: dict[str, int] = {}
    for number, line in enumerate(text.splitlines(), 1):
        if header := HEADER.match(line):
            names = [part.strip(" \"'") for part in header[2].split(".")]
            if header[1] == "[[":
                seen[names[0]] = seen.get(names[0], -1) + 1
            table = (names[0], *([seen[names[0]]] if names[0] in seen else []), *names[1:])
            yield number, table
        elif key := KEY.match(line):
            yield number, (*table, key[1])


def _shared(here: Location, location: Location) -> int:
    count = 0
    for one, other in zip(here, location, strict=False):
        if one != other:
            break
        count += 1
    return count
