"""The configuration: the file, over it the environment, over both the command line; one value, or all complaints at once.

Nothing is opened, connected or created here but the configuration file and the files that hold secrets.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from gateway.app.config.complaints import Complaint, Location, closest, complaints_of, locate
from gateway.app.config.settings import Settings
from gateway.app.value_types import Surroundings
from gateway.directory.projection.index_keys import attribute_key
from gateway.directory.projection.view_definition import NAMED
from gateway.model.attributes import ATTRIBUTES
from gateway.model.errors import ConfigurationError
from gateway.model.mapping.defaults import REFERENCES
from gateway.model.objects import Kind
from gateway.sync.rules.correlation_keys import EXTERNAL_ID, PATH

PREFIX = "GATEWAY_"


@dataclass(frozen=True, slots=True)
class Loaded:
    """`settings` as they are in force, the `file` they came from, and `warnings`: what is allowed but unwise."""

    settings: Settings
    file: Path
    warnings: tuple[str, ...] = ()


class _Document:
    """The tables as read so far, and by what each value was last set when that was not the file."""

    def __init__(self, tables: dict[str, Any]) -> None:
        self.tables = tables
        self.origins: dict[Location, str] = {}
        self.complaints: list[Complaint] = []

    def assign(self, path: Sequence[str], text: str, origin: str) -> None:
        """Set the value at `path` (table, [element,] key); a list's element is named by its `name` or its number from 0."""
        place: Any = self.tables
        location: list[str | int] = []
        for step in path[:-1]:
            place, found = _enter(place, step)
            location.append(found)
            if place is None:
                self.complaints.append(Complaint(origin, f'there is no [[{path[0]}]] named "{step}" to set a key of'))
                return
        if not isinstance(place, dict):
            self.complaints.append(Complaint(origin, f"{'.'.join(path[:-1])} is not a table; name one of its elements first"))
            return
        place[path[-1]] = parse_value(text)
        self.origins[*location, path[-1]] = origin


def load(file: Path, environ: Mapping[str, str], assignments: Sequence[str] = ()) -> Loaded:
    """Read and check everything. `assignments` are "table.key=value" from the command line.

    Raises ConfigurationError with one line for each complaint, each naming file and line (or variable), table and key.
    """
    text = _read(file)
    try:
        document = _Document(tomllib.loads(text))
    except tomllib.TOMLDecodeError as error:
        raise ConfigurationError(_syntax_complaint(file, error)) from None
    _apply_environment(document, environ)
    _apply_assignments(document, assignments)
    surroundings = Surroundings(file.absolute().parent, environ)
    try:
        settings = Settings.model_validate(document.tables, context=surroundings)
    except ValidationError as error:
        document.complaints += complaints_of(error, document.tables, lambda at: _place(document, file, text, at))
    if document.complaints:
        raise ConfigurationError("\n".join(str(complaint) for complaint in document.complaints))
    return Loaded(
        settings,
        file,
        tuple(dict.fromkeys([*surroundings.warnings, *_unwise(settings), *_unwise_rules(settings), *_unwise_views(settings)])),
    )


def parse_value(text: str) -> Any:
    """The value of a variable: a TOML array, inline table or quoted string when it looks like one, else the text as it is."""
    if not text.startswith(("[", "{", '"')):
        return text
    try:
        return tomllib.loads(f"value = {text}")["value"]
    except tomllib.TOMLDecodeError:
        return text


def _read(file: Path) -> str:
    try:
        return file.read_text("utf-8")
    except FileNotFoundError:
        raise ConfigurationError(f"{file}: this configuration file does not exist") from None
    except OSError as error:
        raise ConfigurationError(f"{file}: cannot be read: {error.strerror}; check its owner and mode") from None
    except UnicodeDecodeError as error:
        raise ConfigurationError(f"{file}: is not UTF-8 text (byte {error.start}); save it as UTF-8") from None


def _syntax_complaint(file: Path, error: tomllib.TOMLDecodeError) -> str:
    at = re.search(r" \(at line (\d+), column (\d+)\)$", str(error))
    where, what = (f"{file}:{at[1]}", str(error)[: at.start()]) if at else (str(file), str(error))
    return f"{where}: not valid TOML: {what}"


def _apply_environment(document: _Document, environ: Mapping[str, str]) -> None:
    # A table and a key are needed, so `__` is: a container platform that sets GATEWAY_PORT or the like means somebody else.
    for name in sorted(environ):
        if name.startswith(PREFIX) and "__" in name:
            document.assign(name[len(PREFIX) :].lower().split("__"), environ[name], f"environment variable {name}")


def _apply_assignments(document: _Document, assignments: Sequence[str]) -> None:
    for assignment in assignments:
        path, equals, value = assignment.partition("=")
        if not equals or "." not in path:
            document.complaints.append(Complaint(f"--set {path}", "write --set TABLE.KEY=VALUE, such as log.level=debug"))
        else:
            document.assign(path.strip().split("."), value.strip(), f"--set {path.strip()}")


def _enter(place: Any, step: str) -> tuple[Any, str | int]:
    """The table or list element at `step` and how it is addressed; a table that is missing is made, an element is not."""
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


def _place(document: _Document, file: Path, text: str, location: Location) -> str:
    for length in range(len(location), 0, -1):
        if location[:length] in document.origins:
            return document.origins[location[:length]]
    line = locate(text, location)
    return f"{file}:{line}" if line else str(file)


def _unwise(settings: Settings) -> list[str]:
    """Attribute names in mappings that look like a slip of the pen: they are legal custom fields, so this only warns."""
    warnings = []
    for source in settings.source:
        for kind, table in ((Kind.USER, source.users), (Kind.ORGANIZATION, source.organizations), (Kind.GROUP, source.groups)):
            known = {*ATTRIBUTES[kind], *REFERENCES[kind]}
            for name in table.mapped_names:
                near = closest(name, known)
                if near and name not in known:
                    warnings.append(f'source {source.name}: "{name}" becomes a custom field; did you mean "{near}"?')
    return warnings


def _unwise_rules(settings: Settings) -> list[str]:
    """The same in the rules by which records find their objects: what nobody maps, nobody has."""
    warnings = []
    for source in settings.source:
        for kind, rules in source.correlation().items():
            known = {*ATTRIBUTES[kind], EXTERNAL_ID, PATH, *_mapped(settings, kind)}
            for rule in rules.rules:
                for name in rule.names:
                    near = closest(name, known)
                    if near and name not in known:
                        warnings.append(f'source {source.name}: {rule.text!r}: no source has "{name}"; did you mean "{near}"?')
    return warnings


def _mapped(settings: Settings, kind: Kind) -> set[str]:
    """The names that mappings of any source make."""
    return {name for source in settings.source for name in dict(source.records_tables())[kind].mapped_names}


def _unwise_views(settings: Settings) -> list[str]:
    """The same in the rules of views, and attributes that programs which check the schema would stumble over."""
    warnings = []
    for table in settings.view:
        view = table.view()
        for kind, said in table.rules.items():
            known, rules = {*ATTRIBUTES[kind], *NAMED[kind]}, view.rules[kind]
            for attribute, rule in said.items():
                for name in rule.asked:
                    near = closest(name, known)
                    if near and name not in known:
                        warnings.append(f'view {view.name}: {attribute}: "{name}" is a custom field; did you mean "{near}"?')
                extensible = "extensibleobject" in map(str.lower, rules.object_classes)
                if rule.asked + rule.constants and not extensible and attribute_key(attribute) not in rules.allowed:
                    classes = ", ".join(rules.object_classes)
                    warnings.append(f"view {view.name}: {attribute} is allowed by none of {classes}; add an object class")
    return warnings
