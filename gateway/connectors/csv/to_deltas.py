"""The mapping from the people in CSV files to deltas: users, the organizations along their paths, and the groups that they
name.

There are two passes: the first finds the broken rows before any delta is yielded, the second yields the deltas. While a row is
kept aside, records that only that row may have named are not deleted: no organization or group, and when the id of the row's
person is not certain, no user."""

import unicodedata
from array import array
from bisect import bisect
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from functools import lru_cache
from pathlib import Path
from typing import Final, NamedTuple

from gateway.connectors.csv.people import Person, addresses
from gateway.connectors.csv.settings import CsvSettings
from gateway.model.deltas import MEMBERS, Delta, DeltaType
from gateway.model.errors import InvalidSourceData
from gateway.model.mapping.defaults import ORGANIZATIONS, PARENT
from gateway.model.mapping.inbound import map_entry
from gateway.model.mapping.values import is_name, unusable_name
from gateway.model.objects import Kind, Value
from gateway.model.records import Reference, ReferenceForm

BROKEN_FILE_SHARE: Final = 0.5  # with a larger share of broken rows the file itself is broken and changes nothing
EXCLUSION: Final = "take the row out of the export"
SHOWN_FAULTS: Final = 5  # by the check; all of them are listed with the source's problems
GROUP_ID: Final = "group:"  # keeps the ids of groups apart from those of people: both may be members


class LineNumbers:
    """Lines of several files numbered consecutively: one integer for each person instead of a path and a line."""

    def __init__(self) -> None:
        self._files: list[Path] = []
        self._starts: list[int] = []
        self._end = 0

    def begin_file(self, path: Path) -> None:
        """Begin the lines of this file."""
        self._files.append(path)
        self._starts.append(self._end)

    def number(self, line: int) -> int:
        """Return the number of a line (from 1) of the file that was begun last."""
        number = self._starts[-1] + line
        self._end = max(self._end, number)
        return number

    def where(self, number: int) -> str:
        """Return file and line in words."""
        index = bisect(self._starts, number - 1) - 1
        return f"{self._files[index]}, line {number - self._starts[index]}"


@dataclass(slots=True)
class Findings:
    """The findings of the first pass. `first`: the number of the line where each id stands first. `duplicates`: a sentence for
    each id that stands in several rows. `broken`: the count of rows to keep aside. `is_sure`: the ids of all of them are
    known."""

    line_numbers: LineNumbers = field(default_factory=LineNumbers)
    first: dict[str, int] = field(default_factory=dict)
    duplicates: dict[str, str] = field(default_factory=dict)
    rows: int = 0
    broken: int = 0
    faults: list[str] = field(default_factory=list)
    is_sure: bool = True

    def add(self, person: Person) -> None:
        """Count one row."""
        self.rows += 1
        number = self.line_numbers.number(person.line)
        earlier = self.first.setdefault(person.id, number) if person.id else number
        if earlier != number:
            where = f"{self.line_numbers.where(earlier)} and {self.line_numbers.where(number)}"
            self.broken += 1 if person.id in self.duplicates else 2
            self.duplicates[person.id] = f"the id {person.id} stands in several rows ({where}); one of them must go"
            self._add_fault(self.duplicates[person.id])
        elif person.fault:
            self.broken += 1
            self.is_sure = self.is_sure and bool(person.id)
            self._add_fault(f"{self.line_numbers.where(number)}: {person.fault}")

    def _add_fault(self, sentence: str) -> None:
        if len(self.faults) < SHOWN_FAULTS:
            self.faults.append(sentence)

    def require_usable(self, where: str) -> None:
        """Raise InvalidSourceData when the files as a whole are empty, or too many rows are broken."""
        if not self.rows:
            raise InvalidSourceData(f"{where} holds no row: an empty file is not an empty directory")
        if self.broken > self.rows * BROKEN_FILE_SHARE:
            what = f"{self.broken:,} of {self.rows:,} rows are broken, so nothing is changed; the first: {self.faults[0]}"
            raise InvalidSourceData(f"{where}: {what}")

    @property
    def is_whole(self) -> bool:
        """True when every row could be read."""
        return not self.broken

    def compared(self, kinds: tuple[Kind, ...]) -> frozenset[Kind]:
        """Return the kinds of which every record that no row names is to be deleted."""
        if not self.is_sure:
            return frozenset()
        return frozenset(kind for kind in kinds if kind is Kind.USER or self.is_whole)


class _Name(NamedTuple):
    """The name of an organization or a group as its delta tells it: none, and the problem, when it is unusable."""

    attributes: dict[str, tuple[Value, ...]]
    problem: str = ""


class DeltaBuilder:
    """The second pass: rows to deltas."""

    def __init__(self, settings: CsvSettings, findings: Findings) -> None:
        self._settings = settings
        self._findings = findings
        self._organizations: set[str] = set()
        self._group_names: dict[str, _Name] = {}
        self._members: dict[str, array[int]] = {}
        self._member_ids: list[str] = []
        self._kept_aside_ids: set[str] = set()

    def deltas(self, person: Person, path: Path) -> Iterator[Delta]:
        """Yield the deltas of a row: the new organizations, each before those below it, then the user."""
        fault = self._findings.duplicates.get(person.id, person.fault)
        if fault:
            yield from self._kept_aside(person, path, fault)
            return
        key = ""
        for name in person.path:
            above, key = key, f"{key}/{_key(name)}" if key else _key(name)
            if key not in self._organizations:
                self._organizations.add(key)
                yield _organization(key, self._name(name, person, path, self._settings.organization_column), above)
        if person.groups:
            self._add_memberships(person, path)
        yield self._user(person, path, key)

    def groups(self) -> Iterator[Delta]:
        """Yield all groups with their members, after the last row."""
        for key, name in self._group_names.items():
            references = (Reference(ReferenceForm.ID, self._member_ids[number]) for number in self._members[key])
            members = {MEMBERS: tuple(dict.fromkeys(references))}
            delta = Delta(DeltaType.UPSERT, Kind.GROUP, GROUP_ID + key, attributes=name.attributes, problem=name.problem)
            # The memberships of a person whose row was kept aside are not known: then no member is removed.
            yield replace(delta, references=members) if self._findings.is_whole else replace(delta, added=members)

    def _kept_aside(self, person: Person, path: Path, fault: str) -> Iterator[Delta]:
        """Yield a delta that has only a problem: the record, where there is one, stays as it is."""
        if person.id in self._kept_aside_ids:
            return
        where = f"{path}, line {person.line}"
        if person.id:
            self._kept_aside_ids.add(person.id)
        unsure = "" if person.id else "; until it is sure whom this row is about, nothing of this source is deleted"
        problem = f"source {self._settings.id}: {where}: {fault}{unsure}"
        yield Delta(DeltaType.UPSERT, Kind.USER, person.id or f"{path.name}, line {person.line}", problem=problem)

    def _name(self, name: str, person: Person, path: Path, column: str) -> _Name:
        if is_name(name):
            return _Name({"name": (name,)})
        return _Name({}, unusable_name(self._settings.id, f"{path}, line {person.line}", column, name))

    def _add_memberships(self, person: Person, path: Path) -> None:
        number = len(self._member_ids)
        self._member_ids.append(person.id)
        for name in person.groups:
            key = _key(name)
            if key not in self._group_names:
                self._group_names[key] = self._name(name, person, path, self._settings.groups_column)
                self._members[key] = array("L")
            self._members[key].append(number)

    def _user(self, person: Person, path: Path, organization: str) -> Delta:
        header, cells = person.header, person.cells
        entry = []
        for name, position in header.columns:
            cell = cells[position].strip()
            values = addresses(cell) if name in header.addresses else [cell]
            entry.append((name, [value.encode() for value in values if value]))
        delta = map_entry(header.mapping, self._settings.id, person.id, f"{path}, line {person.line}", entry, EXCLUSION)
        references = {}
        if header.organization >= 0:
            references[ORGANIZATIONS] = (Reference(ReferenceForm.ID, organization),) if organization else ()
        return replace(delta, dn="", references=references)


def _organization(key: str, name: _Name, above: str) -> Delta:
    parent = {PARENT: (Reference(ReferenceForm.ID, above),) if above else ()}
    return Delta(DeltaType.UPSERT, Kind.ORGANIZATION, key, attributes=name.attributes, references=parent, problem=name.problem)


@lru_cache(maxsize=4096)
def _key(name: str) -> str:
    """Return a name as part of an external id: case and spaces normalised, slashes escaped."""
    folded = " ".join(unicodedata.normalize("NFKC", name).casefold().split())
    return folded.replace("\\", "\\\\").replace("/", "\\/")
