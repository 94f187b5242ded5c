"""An organizational unit of a real domain that a test has to itself: its settings as a source, and writes into it."""

from __future__ import annotations

import itertools
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

from gateway.connectors.ldap.active_directory.settings import (
    ActiveDirectoryKindSettings,
    ActiveDirectorySettings,
    active_directory_kind_settings,
)
from gateway.connectors.ldap.active_directory.source import ActiveDirectorySource
from gateway.connectors.ldap.client.settings import Upstream
from gateway.model.deltas import MEMBERS, Delta
from gateway.model.ldap import dn as names
from gateway.model.objects import Kind
from tests.connectors.record_replica import RecordReplica
from tests.servers.samba import Samba

_numbers = itertools.count(1)


class IncrementalReplica(RecordReplica):
    """A replica for reports that omit unchanged values, which stay (law 9)."""

    def known(self, before: Delta | None, delta: Delta) -> Delta:
        references = {**(before.references if before else {}), **delta.references}
        for name in {*delta.added, *delta.removed}:
            gone = delta.removed.get(name, ())
            kept = [one for one in references.get(name, ()) if one not in gone]
            references[name] = tuple(dict.fromkeys((*kept, *delta.added.get(name, ()))))
        attributes = {**(before.attributes if before else {}), **delta.attributes}
        return replace(delta, dn=delta.dn or (before.dn if before else ""), attributes=attributes, references=references)


@dataclass
class ScratchUnit:
    """A unit OU=scratch<n>; login names are made unique by its number. `now`: the clock that sources are given."""

    server: Samba
    name: str
    number: int
    now: datetime

    @property
    def dn(self) -> str:
        return self.server.dn(f"OU={self.name}")

    def below(self, rdns: str = "") -> str:
        return ",".join(filter(None, (rdns, f"OU={self.name}")))

    def login(self, name: str) -> str:
        return f"{name}{self.number}"

    def add_user(self, name: str, rdns: str = "", password: str = "", **attributes: object) -> str:
        """Add a user CN=<name><number>; return its DN."""
        return self.server.add_user(self.login(name), self.below(rdns), password, **attributes)

    def add_unit(self, name: str, rdns: str = "") -> str:
        return self.server.add_unit(name, self.below(rdns))

    def add_group(self, name: str, *members: str, rdns: str = "", **attributes: object) -> str:
        return self.server.add_group(self.login(name), *members, below=self.below(rdns), **attributes)

    def upstream(self, **changes: Any) -> Upstream:
        plain = Upstream(urls=(self.server.url,), bind_dn=self.server.admin.dn, password=self.server.admin.password)
        return replace(plain, **changes)

    def kinds(self, *bases: str, **changes: Any) -> tuple[ActiveDirectoryKindSettings, ...]:
        return tuple(replace(active_directory_kind_settings(kind, bases or (self.dn,)), **changes) for kind in Kind)

    def settings(self, **changes: Any) -> ActiveDirectorySettings:
        plain = ActiveDirectorySettings(id="corp", upstream=self.upstream(), kinds=self.kinds())
        return replace(plain, **changes)

    def source(self, **changes: Any) -> ActiveDirectorySource:
        return ActiveDirectorySource(self.settings(**changes), lambda: self.now)


def new_scratch_unit(server: Samba) -> ScratchUnit:
    """Return a new unit."""
    number = next(_numbers)
    made = ScratchUnit(server, f"scratch{number}", number, datetime.now(UTC))
    server.add_unit(made.name)
    return made


def members(replica: RecordReplica, group: str) -> set[str]:
    """Return the names of a group's members whose records are known."""
    known = {external_id: delta for (_, external_id), delta in replica.records.items()}
    told = replica.named(group).references.get(MEMBERS, ())
    return {label(known[reference.value]) for reference in told if reference.value in known}


def label(delta: Delta) -> str:
    naming = "username" if delta.kind is Kind.USER else "name"
    return str(delta.attributes[naming][0])


def everything(replica: RecordReplica) -> dict[tuple[Kind, str], tuple[object, ...]]:
    """Return the content of all records, with members as sets of those whose records are known."""
    known = {external_id for _, external_id in replica.records}
    return {
        key: (
            names.key(delta.dn),
            {name: values for name, values in delta.attributes.items() if values},
            {reference.value for reference in delta.references.get(MEMBERS, ()) if reference.value in known},
        )
        for key, delta in replica.records.items()
    }


def must_agree(replica: RecordReplica, source: ActiveDirectorySource) -> None:
    """Assert that the replica equals one of a first read."""
    assert everything(replica) == everything(IncrementalReplica().read(source))
