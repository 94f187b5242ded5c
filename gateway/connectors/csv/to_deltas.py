"""From the people in an export to deltas: users, the organizations along their paths, the groups that they name.

There are two readings: the first finds what is broken before anything is said; the second says it. While any row is kept aside,
what only that row may have spoken of is not gone: organizations and groups lose nothing then, and when it is not sure whom the
row is about, nor do people."""

import unicodedata
from array import array
from bisect import bisect
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from functools import lru_cache
from pathlib import Path
from typing import Final

from gateway.connectors.csv.people import Person
from gateway.connectors.csv.settings import CsvSettings
from gateway.model.deltas import MEMBERS, Delta, DeltaType
from gateway.model.errors import InvalidSourceData
from gateway.model.mapping.defaults import ORGANIZATIONS, PARENT
from gateway.model.mapping.inbound import map_entry
from gateway.model.objects import Kind
from gateway.model.records import Reference, ReferenceForm

BROKEN_FILE_SHARE: Final = 0.5  # when more rows than that are broken, the file is: it changes nothing
SHOWN_FAULTS: Final = 5  # by the check; every one of them is shown with the source's problems
GROUP_ID: Final = "group:"  # keeps the ids of groups apart from those of people: both may be members


class Places:
    """Lines of several files as one number each, because there is one for every person."""

    def __init__(self) -> None:
        self._files: list[Path] = []
        self._starts: list[int] = []
        self._end = 0

    def begin(self, path: Path) -> None:
        """The lines that follow are of this file."""
        self._files.append(path)
        self._starts.append(self._end)

    def place(self, line: int) -> int:
        """The number of this line, from 1, of the file that was begun last."""
        place = self._starts[-1] + line
        self._end = max(self._end, place)
        return place

    def where(self, place: int) -> str:
        """File and line in words."""
        number = bisect(self._starts, place - 1) - 1
        return f"{self._files[number]}, line {place - self._starts[number]}"


@dataclass(slots=True)
class Findings:
    """What the first reading found. `first`: each id with the place where it stands first; `twice`: ids that stand several
    times, with a sentence. `broken` rows are to be kept aside; `is_sure`: whether the ids of all of them are known."""

    places: Places = field(default_factory=Places)
    first: dict[str, int] = field(default_factory=dict)
    twice: dict[str, str] = field(default_factory=dict)
    rows: int = 0
    broken: int = 0
    faults: list[str] = field(default_factory=list)
    is_sure: bool = True

    def note(self, person: Person) -> None:
        """Take in one row."""
        self.rows += 1
        place = self.places.place(person.line)
        earlier = self.first.setdefault(person.id, place) if person.id else place
        if earlier != place:
            where = f"{self.places.where(earlier)} and {self.places.where(place)}"
            self.broken += 1 if person.id in self.twice else 2
            self.twice[person.id] = f"the id {person.id} stands in several rows ({where}); one of them must go"
            self._note_fault(self.twice[person.id])
        elif person.fault:
            self.broken += 1
            self.is_sure = self.is_sure and bool(person.id)
            self._note_fault(f"{self.places.where(place)}: {person.fault}")

    def _note_fault(self, sentence: str) -> None:
        if len(self.faults) < SHOWN_FAULTS:
            self.faults.append(sentence)

    def judge(self, where: str) -> None:
        """Raises InvalidSourceData when the files as a whole cannot be what they should be."""
        if not self.rows:
            raise InvalidSourceData(f"{where} holds no row: an empty file is not an empty directory")
        if self.broken > self.rows * BROKEN_FILE_SHARE:
            what = f"{self.broken:,} of {self.rows:,} rows are broken, so nothing is changed; the first: {self.faults[0]}"
            raise InvalidSourceData(f"{where}: {what}")

    @property
    def is_whole(self) -> bool:
        """Whether every row could be read."""
        return not self.broken

    def compared(self, kinds: tuple[Kind, ...]) -> frozenset[Kind]:
        """The kinds of which everything that is not said is gone."""
        if not self.is_sure:
            return frozenset()
        return frozenset(kind for kind in kinds if kind is Kind.USER or self.is_whole)


class Reader:
    """The second reading."""

    def __init__(self, settings: CsvSettings, findings: Findings) -> None:
        self._settings = settings
        self._findings = findings
        self._organizations: set[str] = set()
        self._group_names: dict[str, str] = {}
        self._members: dict[str, array[int]] = {}
        self._member_ids: list[str] = []
        self._complained: set[str] = set()

    def read(self, person: Person, path: Path) -> Iterator[Delta]:
        """What the row says: organizations, each before those below it, then the user."""
        fault = self._findings.twice.get(person.id, person.fault)
        if fault:
            yield from self._kept_aside(person, path, fault)
            return
        key = ""
        for name in person.path:
            above, key = key, f"{key}/{_key(name)}" if key else _key(name)
            if key not in self._organizations:
                self._organizations.add(key)
                yield _organization(key, name, above)
        if person.groups:
            self._join(person)
        yield self._user(person, path, key)

    def groups(self) -> Iterator[Delta]:
        """All groups with their members; after the last row."""
        for key, name in self._group_names.items():
            references = (Reference(ReferenceForm.ID, self._member_ids[number]) for number in self._members[key])
            said = {MEMBERS: tuple(dict.fromkeys(references))}
            delta = Delta(DeltaType.UPSERT, Kind.GROUP, GROUP_ID + key, attributes={"name": (name,)})
            # Whether somebody whose row was kept aside is in the group is not known: then nobody leaves it.
            yield replace(delta, references=said) if self._findings.is_whole else replace(delta, added=said)

    def _kept_aside(self, person: Person, path: Path, fault: str) -> Iterator[Delta]:
        """A report without a word but why: the record, where there is one, stays as it is."""
        if person.id in self._complained:
            return
        where = f"{path}, line {person.line}"
        if person.id:
            self._complained.add(person.id)
        unsure = "" if person.id else "; until it is sure whom this row is about, nothing of this source is deleted"
        problem = f"source {self._settings.id}: {where}: {fault}{unsure}"
        yield Delta(DeltaType.UPSERT, Kind.USER, person.id or f"{path.name}, line {person.line}", problem=problem)

    def _join(self, person: Person) -> None:
        number = len(self._member_ids)
        self._member_ids.append(person.id)
        for name in person.groups:
            key = _key(name)
            if key not in self._group_names:
                self._group_names[key] = name
                self._members[key] = array("L")
            self._members[key].append(number)

    def _user(self, person: Person, path: Path, organization: str) -> Delta:
        header, cells = person.header, person.cells
        entry = []
        for name, position in header.columns:
            cell = cells[position].strip()
            entry.append((name, [cell.encode()] if cell else []))
        delta = map_entry(header.mapping, self._settings.id, person.id, f"{path}, line {person.line}", entry)
        references = {}
        if header.organization >= 0:
            references[ORGANIZATIONS] = (Reference(ReferenceForm.ID, organization),) if organization else ()
        return replace(delta, dn="", references=references)


def _organization(key: str, name: str, above: str) -> Delta:
    parent = (Reference(ReferenceForm.ID, above),) if above else ()
    return Delta(DeltaType.UPSERT, Kind.ORGANIZATION, key, attributes={"name": (name,)}, references={PARENT: parent})


@lru_cache(maxsize=4096)
def _key(name: str) -> str:
    """A name as part of an external id: without regard to case and spaces; a slash is no separator here."""
    folded = " ".join(unicodedata.normalize("NFKC", name).casefold().split())
    return folded.replace("\\", "\\\\").replace("/", "\\/")
