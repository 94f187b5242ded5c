"""Complaints about a configuration: pydantic's errors become sentences, "place: [table] key: what is wrong; the cure".

No value of a key that may hold a secret is repeated here.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import get_args

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from gateway.app.config.key_lines import Location
from gateway.app.config.settings import Settings
from gateway.app.connector_kinds.registry import table_class
from gateway.app.connector_kinds.source_table import SourceTable
from gateway.app.value_types import closest

Tables = Mapping[str, object]
"""The configuration as it was written."""

SECRET_KEYS = frozenset({"password", "password_file", "password_env", "url", "url_file", "url_env", "token_file", "token_env"})
LONGEST_INPUT = 60  # a complaint is one line


@dataclass(frozen=True, slots=True)
class Complaint:
    """`place` is file and line, or the variable or option that set the value."""

    place: str
    sentence: str

    def __str__(self) -> str:
        return f"{self.place}: {self.sentence}"


def complaints_of(error: ValidationError, tables: Tables, place: Callable[[Location], str]) -> Iterator[Complaint]:
    """Yield a complaint for each error; `place` returns where a location was written."""
    for detail in error.errors(include_url=False, include_context=False):
        location = without_mark(detail["loc"])
        yield Complaint(place(location), f"{_address(location, tables)}{_sentence(detail, location, tables)}")


def without_mark(location: Location) -> Location:
    """Return pydantic's location without the mark that it puts behind a wrong key."""
    return location[:-1] if location and location[-1] == "[key]" else location


def _address(location: Location, tables: Tables) -> str:
    """Return `[table] key: `, with a source or view named as the administrator named it."""
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


def _element_name(tables: Tables, location: Location) -> str:
    element = _element(tables, location)
    name = element.get("name") if isinstance(element, dict) else None
    return f'"{name}"' if isinstance(name, str) else f"number {int(location[1]) + 1}"


def _element(tables: Tables, location: Location) -> object:
    """Return the element of a list of tables that the location leads to or into; None when it was not written as one."""
    rows = tables.get(str(location[0]))
    number = location[1]
    return rows[number] if isinstance(rows, list) and isinstance(number, int) and number < len(rows) else None


def _sentence(detail: ErrorDetails, location: Location, tables: Tables) -> str:
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


def _shown(value: object, location: Location) -> str:
    if SECRET_KEYS.intersection(str(step) for step in location) or isinstance(value, (dict, list)):
        return ""
    text = repr(value)
    return f", not {text[:LONGEST_INPUT]}{'…' if len(text) > LONGEST_INPUT else ''}"


def known_keys(location: Location, tables: Tables) -> set[str]:
    """Return the keys of the table at `location` of what was written."""
    models: list[type[BaseModel]] = [Settings]
    for step in location:
        if isinstance(step, int):
            models = [table_class(_element(tables, location)) or SourceTable] if models == [SourceTable] else models
            continue
        fields = [model.model_fields[step] for model in models if step in model.model_fields]
        models = [model for field in fields for model in tables_in(field.annotation)]
    return {name for model in models for name in model.model_fields}


def tables_in(annotation: object) -> list[type[BaseModel]]:
    """Return the tables that a field's type mentions."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return [annotation]
    return [model for argument in get_args(annotation) for model in tables_in(argument)]
