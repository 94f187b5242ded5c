"""Where objects belong in the tree of organizations: what their records say, else where their entries stand at the source, else
the organization into which the source is read."""

from collections import defaultdict
from collections.abc import Collection, Iterable

from gateway.model.ldap import dn
from gateway.model.objects import ROOT_ORGANIZATION_ID, Kind
from gateway.store.engine.column_codecs import encode_strings
from gateway.store.engine.database import Connection
from gateway.store.objects import organizations
from gateway.store.operations import source_state
from gateway.store.records import record_rows, references
from gateway.store.records.record_rows import RecordRow, Spot
from gateway.sync.batch_state import Work
from gateway.sync.references.references import ORGANIZATIONS, PARENT


class Placement:
    """Answers for one transaction, after its records and references are stored."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._at: defaultdict[str, dict[str, str | None]] = defaultdict(dict)
        self._targets = source_state.target_organizations(connection)
        wanted = set(self._targets.values())
        self._existing = set(organizations.get_many(connection, wanted)) if wanted - {ROOT_ORGANIZATION_ID} else wanted

    def target(self, source_id: str) -> str:
        """Where a source's objects go that have no organization at it; the root, should that one not exist (any more)."""
        target = self._targets.get(source_id, ROOT_ORGANIZATION_ID)
        return target if target in self._existing else ROOT_ORGANIZATION_ID

    def place(self, kind: Kind, rows: Collection[RecordRow]) -> dict[int, tuple[str, ...]]:
        """The organizations that each record says its object belongs to, or below; none for one that has no organization above
        it. Where nobody knows of any, the object goes where `target` says."""
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
            for key, target in record_rows.at_dn(self._connection, source_id, keys) if keys else ():
                if target.kind == Kind.ORGANIZATION.value and target.object_id is not None:
                    at[key] = target.object_id

    def nearest(self, source_id: str, dn_key: str) -> str:
        """The organization of the nearest entry above that is one, else `target`."""
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
        targets = record_rows.targets(self._connection, {pointer.target for pointer in pointers})
        said: dict[int, tuple[str, ...]] = {}
        for pointer in pointers:
            object_id = targets[pointer.target].object_id
            if object_id is not None:
                said[pointer.owner] = (*said.get(pointer.owner, ()), object_id)
        return said


def note_shaken(work: Work) -> None:
    """Note the names below which a touched organization record newly stands for an organization."""
    for touched in work.touched.values():
        row, old = touched.row, touched.old
        if row.kind == Kind.ORGANIZATION.value and row.object_id is not None and row.dn_key:
            stood = old is not None and old.object_id == row.object_id and old.dn_key == row.dn_key
            if not stood:
                work.shaken_keys.add(row.dn_key)


def settle_shaken(work: Work, placement: Placement) -> None:
    """Find the objects that lie below a shaken name and belong elsewhere now."""
    covered = ""
    for key in sorted(work.shaken_keys):
        if covered and key.startswith(covered):
            continue
        covered = key
        for chunk in record_rows.below(work.connection, work.source_id, key, dn.subtree_end(key)):
            spots = [spot for spot in chunk if spot.object_id is not None and spot.kind != Kind.GROUP.value]
            placement.prepare((work.source_id, spot.dn_key) for spot in spots)
            for spot in spots:
                _look_at(work, placement, spot)


def _look_at(work: Work, placement: Placement, spot: Spot) -> None:
    nearest = placement.nearest(work.source_id, spot.dn_key)
    expected = nearest if spot.kind == Kind.ORGANIZATION.value else encode_strings((nearest,))
    # What is not there yet (placed None) is made by this very batch, and placed then.
    if spot.placed not in (None, expected) and spot.object_id is not None:
        work.to_place[spot.object_id] = Kind(spot.kind)
