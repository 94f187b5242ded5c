"""Paths of organizations as people write them: the names below the root, the topmost first, between slashes ("Sales/Europe").

A slash that belongs to a name has a backslash before it ("R\\/D"), and so has a backslash before a slash or a backslash. Before
anything else a backslash is itself, so that most names are written as they are. Pure."""

import re
from collections.abc import Sequence

from gateway.model.bounded_cache import cached

SEPARATOR = "/"


def parse(path: str, separator: str = SEPARATOR) -> tuple[str, ...]:
    """Return the names of a path, without blanks around them and without empty ones; none for the root."""
    parts = _pieces(separator).findall(path)
    found: list[str] = [""]
    for part in parts:
        if part == separator:
            found.append("")
        else:
            found[-1] += part[1:] if part in (f"\\{separator}", "\\\\") else part
    return tuple(name for name in map(str.strip, found) if name)


def format(names: Sequence[str]) -> str:
    """Return the path of these names; "/" for none."""
    return SEPARATOR.join(name.replace("\\", "\\\\").replace(SEPARATOR, f"\\{SEPARATOR}") for name in names) or SEPARATOR


@cached(16)
def _pieces(separator: str) -> re.Pattern[str]:
    each = re.escape(separator)
    return re.compile(rf"\\{each}|\\\\|{each}|.", re.DOTALL)
