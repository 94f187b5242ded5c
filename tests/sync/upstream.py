"""A directory server that reports what syncrepl reports, and no more."""

import random
from dataclasses import dataclass, field

from gateway.model.deltas import MEMBERS, Delta, DeltaType
from gateway.model.ldap import dn
from gateway.model.objects import Kind
from gateway.model.records import Reference, ReferenceForm
from tests.sync.synced_store import BASE, gone


@dataclass
class Upstream:
    """A small LDAP server with refint: entries by id, each (kind, parent id, name, title); groups hold ids."""

    choose: random.Random
    entries: dict[str, tuple[Kind, str, str, str]] = field(default_factory=dict)
    members: dict[str, set[str]] = field(default_factory=dict)
    number: int = 0

    def name(self, entry: str) -> str:
        """The DN, present names all the way up."""
        if not entry:
            return BASE
        kind, parent, name, _ = self.entries[entry]
        attribute = {Kind.USER: "uid", Kind.GROUP: "cn", Kind.ORGANIZATION: "ou"}[kind]
        return f"{attribute}={name},{self.name(parent)}"

    def report(self, entry: str) -> Delta:
        kind, _, name, title = self.entries[entry]
        naming = "username" if kind is Kind.USER else "name"
        pointing = tuple(Reference(ReferenceForm.DN, dn.key(self.name(m))) for m in sorted(self.members.get(entry, ())))
        references = {MEMBERS: pointing} if kind is Kind.GROUP else {}
        return Delta(DeltaType.UPSERT, kind, entry, self.name(entry), {naming: (name,), "title": (title,)}, references)

    def everything(self) -> list[Delta]:
        reports = [self.report(entry) for entry in self.entries]
        self.choose.shuffle(reports)
        return reports

    def step(self) -> list[Delta]:
        """Something happens; what is reported of it."""
        happen = self.choose.choice([self.add, self.add, self.rename, self.move, self.delete, self.regroup, self.retitle])
        return happen()

    def _any(self, *kinds: Kind) -> str | None:
        found = [entry for entry, (kind, *_) in self.entries.items() if kind in kinds]
        return self.choose.choice(found) if found else None

    def _fresh(self) -> str:
        self.number += 1
        return f"n{self.number}"

    def _units(self) -> list[str]:
        return ["", *(entry for entry, (kind, *_) in self.entries.items() if kind is Kind.ORGANIZATION)]

    def add(self) -> list[Delta]:
        entry = self._fresh()
        kind = self.choose.choice([Kind.ORGANIZATION, Kind.USER, Kind.USER, Kind.GROUP])
        self.entries[entry] = (kind, self.choose.choice(self._units()), f"{entry}x", "new")
        if kind is Kind.GROUP:
            self.members[entry] = set()
        return [self.report(entry)]

    def rename(self) -> list[Delta]:
        entry = self._any(*Kind)
        if entry is None:
            return []
        kind, parent, _, title = self.entries[entry]
        self.entries[entry] = (kind, parent, self._fresh(), title)
        return [self.report(entry)]

    def move(self) -> list[Delta]:
        entry, parent = self._any(*Kind), self.choose.choice(self._units())
        if entry is None or f",{self.name(entry)}" in f",{self.name(parent)}":
            return []
        kind, _, name, title = self.entries[entry]
        self.entries[entry] = (kind, parent, name, title)
        return [self.report(entry)]

    def delete(self) -> list[Delta]:
        entry = self._any(*Kind)
        if entry is None or any(parent == entry for _, parent, *_ in self.entries.values()):
            return []
        kind = self.entries.pop(entry)[0]
        self.members.pop(entry, None)
        for held in self.members.values():
            held.discard(entry)
        return [gone(kind, entry)]

    def regroup(self) -> list[Delta]:
        group, member = self._any(Kind.GROUP), self._any(Kind.USER, Kind.GROUP)
        if group is None or member is None:
            return []
        self.members[group] ^= {member}
        return [self.report(group)]

    def retitle(self) -> list[Delta]:
        entry = self._any(Kind.USER)
        if entry is None:
            return []
        self.entries[entry] = (*self.entries[entry][:3], self._fresh())
        return [self.report(entry)]
