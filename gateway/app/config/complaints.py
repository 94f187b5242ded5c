"""What is wrong with a configuration, in sentences: pydantic's errors become "place: [table] key: what is wrong; the cure".

No value of a key that may hold a secret is repeated here.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any, TypeAlias, get_args

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from gateway.app.config.settings import Settings
from gateway.app.connector_kinds.registry import table_class
from gateway.app.connector_kinds.source_table import SourceTable

Location: TypeAlias = tuple[str | int, ...]

SECRET_KEYS = frozenset({"password", "password_file", "password_env", "url", "url_file", "url_env", "token_file", "token_env"})
LONGEST_INPUT = 60  # a complaint is one line
HEADER = re.compile(r"^\s*(\[\[?)\s*([A-Za-z0-9_.\"' -]+?)\s*\]\]?\s*(#.*)?$")
KEY = re.compile(r"""^\s*["']?([A-Za-z0-9_-]+)["']?\s*[=.]""")


@dataclass(frozen=True, slots=True)
class Complaint:
    """`place` is file and line, or the variable or option that set the value."""

    place: str
    sentence: str

    def __str__(self) -> str:
        return f"{self.place}: {self.sentence}"


def complaints_of(error: ValidationError, tables: dict[str, Any], place: Callable[[Location], str]) -> Iterator[Complaint]:
    """One complaint for each thing that is wrong; `place` tells where a location was written."""
    for detail in error.errors(include_url=False, include_context=False):
        location = without_mark(detail["loc"])
        yield Complaint(place(location), f"{_address(location, tables)}{_sentence(detail, location, tables)}")


def without_mark(location: Location) -> Location:
    """Return pydantic's location without the mark that it puts behind a wrong key."""
    return location[:-1] if location and location[-1] == "[key]" else location


def closest(word: str, known: Iterable[str]) -> str | None:
    """What the administrator may have meant."""
    return next(iter(difflib.get_close_matches(word, list(known), 1, 0.6)), None)


def locate(text: str, location: Location) -> int | None:
    """The line of TOML `text` where `location` is written, or of the nearest table around it, if any."""
    best, best_depth = None, 0
    for number, here in _written(text):
        depth = _shared(here, location)
        if depth == len(here) and depth > best_depth:
            best, best_depth = number, depth
    return best


def _written(text: str) -> Iterator[tuple[int, Location]]:
    """Each header and each key of the text with its line and location; what looks like a key inside a text counts too."""
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


def _address(location: Location, tables: dict[str, Any]) -> str:
    """`[table] key: `, with a source or view named as the administrator named it."""
    if not location:
        return ""
    if len(location) == 1 and isinstance(tables.get(str(location[0])), dict):
        return f"[{location[0]}]: "
    head, rest = f"[{location[0]}]", list(location[1:])
    if rest and isinstance(rest[0], int):
        head = f"[[{location[0]}]] {_element_name(tables, location)}"
        rest = rest[1:]
    inner = [str(location[0])]
    while len(rest) > 1 and isinstance(rest[0], str) and isinstance(rest[1], str):
        inner.append(str(rest.pop(0)))
    if len(inner) > 1:
        head += f" [{'.'.join(inner)}]"
    keys = [str(step) for step in rest if isinstance(step, str)] or ([] if len(location) > 1 else [str(location[0])])
    return f"{head} {'.'.join(keys)}: " if keys and len(location) > 1 else f"{head}: "


def _element_name(tables: dict[str, Any], location: Location) -> str:
    try:
        name = tables[str(location[0])][location[1]]["name"]
    except (KeyError, IndexError, TypeError):
        name = None
    return f'"{name}"' if isinstance(name, str) else f"number {int(location[1]) + 1}"


def _sentence(detail: ErrorDetails, location: Location, tables: dict[str, Any]) -> str:
    kind, key = detail["type"], str(location[-1]) if location else ""
    match kind:
        case "extra_forbidden":
            known = sorted(known_keys(location[:-1], tables))
            near = closest(key, known)
            return "no such key; " + (f'did you mean "{near}"?' if near else f"the keys are: {', '.join(known)}")
        case "missing":
            return f"is missing; add {key} = …"
        case "value_error":
            return detail["msg"].removeprefix("Value error, ")
        case _:
            return f"{detail['msg'][:1].lower()}{detail['msg'][1:]}{_shown(detail['input'], location)}"


def _shown(value: Any, location: Location) -> str:
    if SECRET_KEYS.intersection(str(step) for step in location) or isinstance(value, (dict, list)):
        return ""
    text = repr(value)
    return f", not {text[:LONGEST_INPUT]}{'…' if len(text) > LONGEST_INPUT else ''}"


def known_keys(location: Location, tables: dict[str, Any]) -> set[str]:
    """Return the keys of the table at `location` of what was written."""
    models: list[type[BaseModel]] = [Settings]
    for step in location:
        if isinstance(step, int):
            models = [table_class(tables["source"][step]) or SourceTable] if models == [SourceTable] else models
            continue
        fields = [model.model_fields[step] for model in models if step in model.model_fields]
        models = [model for field in fields for model in tables_in(field.annotation)]
    return {name for model in models for name in model.model_fields}


def tables_in(annotation: Any) -> list[type[BaseModel]]:
    """The tables that a field's type speaks of."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return [annotation]
    return [model for argument in get_args(annotation) for model in tables_in(argument)]
