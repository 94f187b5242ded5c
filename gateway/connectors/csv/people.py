"""The people in one CSV file: its header checked against the settings, and its rows with their ids. A broken row is yielded
too, with the reason, because its person must not count as deleted."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Final, NamedTuple, TextIO

from gateway.connectors.csv.parser import Row, Rows
from gateway.connectors.csv.settings import CsvSettings
from gateway.model import organization_path
from gateway.model.attributes import NAMING_ATTRIBUTE
from gateway.model.errors import InvalidSourceData
from gateway.model.mapping.inbound import InboundMapping
from gateway.model.mapping.values import line, normalized
from gateway.model.objects import Kind

MAX_ID_CHARACTERS: Final = 600  # the longest external id of the store
MAX_LEVELS: Final = 50  # of an organization path; a deeper one has a wrong separator or column

_UNUSABLE: Final = re.compile("[\0\ud800-\udfff]")
EMAIL: Final = "email"
_BETWEEN_ADDRESSES: Final = re.compile(r"[;,\s]+")
_ADDRESS: Final = re.compile(r'[^@"<>]+@[^@"<>]+')
_BYTE_ORDER_MARK: Final = "\ufeff"


@dataclass(frozen=True, slots=True)
class Header:
    """The positions of the columns in one file. `columns`: those that the mapping reads. `id`, `organization`, `groups`: -1 for
    a column that is not configured. `addresses`: the columns that hold mail addresses, several in a cell where they are."""

    width: int
    mapping: InboundMapping
    columns: tuple[tuple[str, int], ...]
    addresses: frozenset[str]
    id: int
    organization: int
    groups: int


class Person(NamedTuple):
    """One row. `id`: "" when it cannot be read reliably. `path`: the names of the organizations, the topmost first. `fault`:
    the reason for keeping the row aside, or ""."""

    header: Header
    line: int
    id: str
    cells: list[str]
    path: tuple[str, ...]
    groups: tuple[str, ...]
    fault: str


def people(text: TextIO, settings: CsvSettings, where: str) -> Iterator[Person]:
    """Yield the rows of a file. Raises InvalidSourceData when the header does not fit the settings. `where`: for error
    messages."""
    rows = Rows(text, where, settings.delimiter, settings.quote)
    remaining = iter(rows)
    if settings.columns:
        names: Sequence[str] = settings.columns
    else:
        first = next(remaining, None)
        if first is None:
            raise InvalidSourceData(f"{where}: is empty: an empty file is not an empty directory")
        if first.fault:
            what = f"the names of the columns hold {first.fault}; is the encoding really {settings.encoding}?"
            raise InvalidSourceData(f"{where}, line {first.line}: {what}")
        names = first.cells
    header = _header(names, settings, where)
    rows.width = header.width
    for row in remaining:
        yield _person(row, header, settings)


def _header(cells: Sequence[str], settings: CsvSettings, where: str) -> Header:
    names = tuple(normalized(cell.removeprefix(_BYTE_ORDER_MARK).strip()) for cell in cells)
    positions = {name: position for position, name in enumerate(names)}
    mapping = settings.users
    chosen = [settings.id_column, settings.organization_column, settings.groups_column]
    chosen += [name for our_name, theirs in mapping.attributes.items() if our_name in settings.chosen for name in theirs]
    chosen += [name for each in mapping.computations for name in each.expression.names]
    if mapping.enabled:
        chosen.append(mapping.enabled.attribute)
    for name in chosen:
        if name and normalized(name) not in positions:
            known = ", ".join(cell.strip() for cell in cells)[:300]
            cure = "correct the name, the delimiter or the encoding in the configuration, or the file"
            raise InvalidSourceData(f"{where}: there is no column {name!r} among: {known}; {cure}")
        if name and names.count(normalized(name)) > 1:
            raise InvalidSourceData(f"{where}: several columns are called {name!r}; give each a name of its own")
    usable = positions.keys() - {normalized(settings.organization_column), normalized(settings.groups_column)}
    used = {
        our_name: columns
        for our_name, columns in mapping.attributes.items()
        if our_name in settings.chosen or usable.issuperset(map(normalized, columns))
    }
    naming = NAMING_ATTRIBUTE[Kind.USER]
    if naming not in used and naming not in mapping.expressions:
        raise InvalidSourceData(f'{where}: no column is the login name; write {naming} = "COLUMN" in [source.users.mapping]')
    mapping = replace(mapping, attributes=used)
    return Header(
        len(names),
        mapping,
        tuple((name, positions[normalized(name)]) for name in mapping.source_attributes),
        _address_columns(mapping),
        positions[normalized(settings.id_column)],
        positions.get(normalized(settings.organization_column), -1),
        positions.get(normalized(settings.groups_column), -1),
    )


def _address_columns(mapping: InboundMapping) -> frozenset[str]:
    """Return the columns that are mail addresses and nothing else: what a login name is made of, or an expression reads, stays
    whole."""
    others = [name for ours, columns in mapping.attributes.items() if ours != EMAIL for name in columns]
    others += [name for each in mapping.computations for name in each.expression.names]
    wanted = {*map(normalized, mapping.attributes.get(EMAIL, ()))}.difference(map(normalized, others))
    return frozenset(name for name in mapping.source_attributes if normalized(name) in wanted)


def addresses(cell: str) -> list[str]:
    """Return the mail addresses in a cell, the main one first; the cell as it is when something else stands there."""
    pieces = [piece for piece in _BETWEEN_ADDRESSES.split(cell) if piece]
    return pieces if len(pieces) > 1 and all(map(_ADDRESS.fullmatch, pieces)) else [cell]


def _person(row: Row, header: Header, settings: CsvSettings) -> Person:
    cells = row.cells
    external_id = cells[header.id].strip() if header.id < row.sure else ""
    fault = row.fault
    if not external_id:
        fault = fault or f"no {settings.id_column}; every row needs the id of its person"
    elif len(external_id) > MAX_ID_CHARACTERS or _UNUSABLE.search(external_id):
        fault = fault or f"{settings.id_column} has {len(external_id)} characters, and {MAX_ID_CHARACTERS} is the limit"
        external_id = ""
    if fault:
        return Person(header, row.line, external_id, cells, (), (), fault)
    path: tuple[str, ...] = ()
    groups: tuple[str, ...] = ()
    if header.organization >= 0:
        path = _lines(organization_path.parse(cells[header.organization], settings.organization_separator))
        if len(path) > MAX_LEVELS or len(cells[header.organization]) > MAX_ID_CHARACTERS:
            what = f"{len(path)} levels and {len(cells[header.organization])} characters"
            fault = f"{settings.organization_column} has {what}; {MAX_LEVELS} and {MAX_ID_CHARACTERS} are the limits"
    if header.groups >= 0:
        groups = _names(cells[header.groups], settings.groups_separator)
        if any(len(name) > MAX_ID_CHARACTERS for name in groups):
            fault = f"a name in {settings.groups_column} has more than {MAX_ID_CHARACTERS} characters"
    return Person(header, row.line, external_id, cells, path, groups, fault)


def _names(cell: str, separator: str) -> tuple[str, ...]:
    return _lines(cell.split(separator)) if cell else ()


def _lines(names: Sequence[str]) -> tuple[str, ...]:
    return tuple([name for name in map(line, names) if name])
