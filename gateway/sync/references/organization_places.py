"""The place of objects in the tree of organizations: what their records say, else where their entries are at the source, else
the organization into which the source is read. Reads only."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from functools import cached_property

from gateway.model.ldap import dn
from gateway.model.objects import ROOT_ORGANIZATION_ID, Kind
from gateway.store.engine.database import Connection
from gateway.store.objects import organizations
from gateway.store.operations import source_state
from gateway.store.records import record_lookup, references
from gateway.store.records.record_rows import RecordRow
from gateway.sync.references.reference_names import ORGANIZATIONS, PARENT


class OrganizationPlaces:
    """Answers for one transaction, after its records and references are stored, and keeps what it has looked up."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._at: defaultdict[str, dict[str, str | None]] = defaultdict(dict)

    def target(self, source_id: str) -> str:
        """Return the organization for the source's objects that have none at it; the root, should that one not exist (any
        more)."""
        return self._targets.get(source_id, ROOT_ORGANIZATION_ID)

    @cached_property
    def _targets(self) -> Mapping[str, str]:
        """The organizations of all sources that exist."""
        found = source_state.target_organizations(self._connection)
        existing = organizations.get_many(self._connection, set(found.values()) - {ROOT_ORGANIZATION_ID})
        return {source_id: target for source_id, target in found.items() if target in existing}

    def place(self, kind: Kind, rows: Collection[RecordRow]) -> dict[int, tuple[str, ...]]:
        """Return the organizations that each record says its object belongs to, or below; none for one that has no organization
        above it. An object none of whose records has one goes where `target` says."""
        explicit = self._explicit(PARENT if kind is Kind.ORGANIZATION else ORGANIZATIONS, rows)
        self.prepare((row.source_id, row.dn_key) for row in rows)
        return {row.id: explicit.get(row.id) or self._above(row.source_id, row.dn_key) for row in rows}

    def prepare(self, names: Iterable[tuple[str, str]]) -> None:
        """Look up together what `nearest` will be asked: (source id, DN key) pairs."""
        missing: defaultdict[str, set[str]] = defaultdict(set)
        for source_id, dn_key in names:
            key = dn.parent_key(dn_key)
            while key and key not in self._at[source_id] and key not in missing[source_id]:
                missing[source_id].add(key)
                key = dn.parent_key(key)
        for source_id, keys in missing.items():
            at = self._at[source_id]
            at.update(dict.fromkeys(keys))
            for key, target in record_lookup.at_dn(self._connection, source_id, keys) if keys else ():
                if target.kind == Kind.ORGANIZATION.value and target.object_id is not None:
                    at[key] = target.object_id

    def nearest(self, source_id: str, dn_key: str) -> str:
        """Return the organization of the nearest entry above that is one, else `target`."""
        return next(iter(self._above(source_id, dn_key)), self.target(source_id))

    def _above(self, source_id: str, dn_key: str) -> tuple[str, ...]:
        at = self._at[source_id]
        key = dn.parent_key(dn_key)
        while key:
            found = at.get(key)
            if found is not None:
                return (found,)
            key = dn.parent_key(key)
        return ()

    def _explicit(self, name: str, rows: Collection[RecordRow]) -> dict[int, tuple[str, ...]]:
        pointers = references.named(self._connection, [row.id for row in rows], name)
        targets = record_lookup.targets(self._connection, {pointer.target for pointer in pointers})
        said: dict[int, tuple[str, ...]] = {}
        for pointer in pointers:
            object_id = targets[pointer.target].object_id
            if object_id is not None:
                said[pointer.owner] = (*said.get(pointer.owner, ()), object_id)
        return said
