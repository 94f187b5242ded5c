"""The settings of a CSV source: the format of its files, and the meaning of their columns. Values only."""

import codecs
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

from gateway.connectors import watched_files
from gateway.model.attributes import ATTRIBUTES
from gateway.model.expressions.expression import Expression
from gateway.model.mapping.defaults import REFERENCES
from gateway.model.mapping.inbound import ENABLED, EnabledRule, InboundMapping, default_mapping
from gateway.model.objects import Kind

OWN_COLUMNS: Final[Mapping[str, tuple[str, ...]]] = {
    name: (name,) for name, known in ATTRIBUTES[Kind.USER].items() if not known.binary and name != ENABLED
}
"""The default mapping: a column named like one of the gateway's attributes fills it."""

_CELLS: Final = 2  # of the way in which cells become values: with another one, files that have not changed are read anew

Changes = Mapping[str, str | Sequence[str] | Expression]


@dataclass(frozen=True, slots=True, kw_only=True)
class CsvSettings:
    """One source of kind `csv`. `users`: the mapping from columns to attributes. `chosen`: the attributes that the
    configuration maps, whose columns must exist.

    `columns`: the names of the columns in files without a header line. `organization_column`: the path of the person's
    organization, the topmost first. `groups_column`: the names of the person's groups. Without these columns the source has no
    organizations or groups.
    """

    id: str
    path: Path
    id_column: str
    users: InboundMapping
    chosen: frozenset[str] = frozenset()
    columns: tuple[str, ...] = ()
    delimiter: str = ","
    quote: str = '"'
    encoding: str = "utf-8"
    organization_column: str = ""
    organization_separator: str = "/"
    groups_column: str = ""
    groups_separator: str = ";"
    poll_seconds: float = 1.0
    stable_seconds: float = 1.0

    def __post_init__(self) -> None:
        for key, character in (("delimiter", self.delimiter), ("quote", self.quote)):
            if len(character) != 1 or character in "\r\n\0 ":
                raise ValueError(f'{key} is one character, such as "," or ";", not {character!r}')
        if self.delimiter == self.quote:
            raise ValueError("delimiter and quote cannot be the same character")
        for key, separator in (("organization", self.organization_separator), ("groups", self.groups_separator)):
            if not separator.strip():
                raise ValueError(f'{key}_separator is empty; write what stands between two names, such as "/"')
        watched_files.require_text_encoding(self.encoding)

    @property
    def codec(self) -> str:
        """The name of Python's codec; for UTF-8 the one that drops a byte order mark before the first column's name."""
        name = codecs.lookup(self.encoding).name
        return "utf-8-sig" if name == "utf-8" else name

    @property
    def kinds(self) -> tuple[Kind, ...]:
        """The kinds that the source has."""
        has_kind = {Kind.ORGANIZATION: self.organization_column, Kind.USER: True, Kind.GROUP: self.groups_column}
        return tuple(kind for kind in Kind if has_kind[kind])

    @property
    def fingerprint(self) -> str:
        """A digest of everything that decides how the files are read."""
        rules = asdict(self) | {"path": "", "id": "", "poll_seconds": 0, "stable_seconds": 0, "chosen": sorted(self.chosen)}
        return watched_files.fingerprint(rules | {"cells": _CELLS})


def user_mapping(changes: Changes | None = None, enabled: EnabledRule | None = None) -> InboundMapping:
    """Return OWN_COLUMNS with the `changes` of the configuration: attribute → a column, several ("first of"), an expression
    over columns, or nothing. Raises ValueError, naming the key, for an invalid one."""
    for name in changes or {}:
        if name in REFERENCES[Kind.USER]:
            raise ValueError(f"mapping.{name}: a column tells people's organizations by organization_column")
        if name in ATTRIBUTES[Kind.USER] and ATTRIBUTES[Kind.USER][name].binary:
            raise ValueError(f"mapping.{name}: {name} is not text, so no column can hold it")
    return default_mapping(Kind.USER, changes, enabled, OWN_COLUMNS, of_entries=False)
