"""The tables of the configuration before they are checked: the file's, with the environment over them and the command line over
both. It remembers where each value comes from, for complaints."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path

from gateway.app.config.complaints import Complaint
from gateway.app.config.key_lines import Location, locate

PREFIX = "GATEWAY_"


class Document:
    """`text` is the TOML of `file`. Raises tomllib.TOMLDecodeError."""

    def __init__(self, file: Path, text: str) -> None:
        self._file = file
        self._text = text
        self._origins: dict[Location, str] = {}
        self.tables: dict[str, object] = tomllib.loads(text)
        self.complaints: list[Complaint] = []

    def apply_environment(self, environ: Mapping[str, str]) -> None:
        """Set the values of the variables GATEWAY_TABLE__KEY and GATEWAY_TABLE__ELEMENT__KEY."""
        # A table and a key are needed, so `__` is: a container platform sets GATEWAY_PORT or the like for purposes of its own.
        for name in sorted(environ):
            if name.startswith(PREFIX) and "__" in name:
                self._assign(name[len(PREFIX) :].lower().split("__"), environ[name], f"environment variable {name}")

    def apply_assignments(self, assignments: Sequence[str]) -> None:
        """Set the values of the command line's "table.key=value"."""
        for assignment in assignments:
            path, equals, value = assignment.partition("=")
            if not equals or "." not in path:
                self.complaints.append(Complaint(f"--set {path}", "write --set TABLE.KEY=VALUE, such as log.level=debug"))
            else:
                self._assign(path.strip().split("."), value.strip(), f"--set {path.strip()}")

    def place(self, location: Location) -> str:
        """Return where the value was written: variable, option, or file and line."""
        for length in range(len(location), 0, -1):
            if location[:length] in self._origins:
                return self._origins[location[:length]]
        line = locate(self._text, location)
        return f"{self._file}:{line}" if line else str(self._file)

    def _assign(self, path: Sequence[str], text: str, origin: str) -> None:
        """Set the value at `path` (table, [element,] key); a list's element is named by its `name` or its number from 0."""
        place: object = self.tables
        location: list[str | int] = []
        for step in path[:-1]:
            missing = isinstance(place, dict) and step not in place
            place, found = _enter(place, step)
            location.append(found)
            if missing:  # the file knows nothing of this table: what is wrong with it is the assignment's
                self._origins[tuple(location)] = origin
            if place is None:
                self.complaints.append(Complaint(origin, f'there is no [[{path[0]}]] named "{step}" to set a key of'))
                return
        if not isinstance(place, dict):
            self.complaints.append(Complaint(origin, f"{'.'.join(path[:-1])} is not a table; name one of its elements first"))
            return
        place[path[-1]] = parse_value(text)
        self._origins[*location, path[-1]] = origin


def parse_value(text: str) -> object:
    """Return a variable's value: a TOML array, inline table or quoted string when it looks like one, else the text itself."""
    if not text.startswith(("[", "{", '"')):
        return text
    try:
        value: object = tomllib.loads(f"value = {text}")["value"]
    except tomllib.TOMLDecodeError:
        return text
    return value


def _enter(place: object, step: str) -> tuple[object, str | int]:
    """Return the table or list element at `step` and its address; a missing table is made, a missing element is None."""
    if isinstance(place, dict):
        return place.setdefault(step, {}), step
    if isinstance(place, list):
        for number, element in enumerate(place):
            name = str(element.get("name", "")) if isinstance(element, dict) else ""
            if step == str(number) or _variable_name(step) == _variable_name(name):
                return element, number
    return None, step


def _variable_name(name: str) -> str:
    return re.sub(r"[^a-z0-9]", "_", name.lower())
