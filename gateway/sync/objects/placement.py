"""Displacement: the objects whose place in the tree must be found anew, as all stages before found out, with those below a name
that newly is an organization and those whose records were renamed."""

from collections.abc import Iterator

from gateway.model.ldap import dn
from gateway.model.objects import Kind
from gateway.store.engine.column_codecs import encode_strings
from gateway.store.records import record_lookup
from gateway.store.records.record_lookup import PlacedRecord
from gateway.sync.references.organization_places import OrganizationPlaces
from gateway.sync.source_transaction import SourceTransaction
from gateway.sync.stage_results import Displacement, PendingRecords, ReferenceChanges, Removal, RenamedRecords, Resolution


def displace(
    transaction: SourceTransaction,
    places: OrganizationPlaces,
    removal: Removal,
    resolution: Resolution,
    renamed: RenamedRecords,
    references: ReferenceChanges,
) -> Displacement:
    """Return all objects that must be placed anew. Records and references must be stored."""
    objects = {**removal.displaced, **resolution.displaced, **renamed.displaced, **references.displaced}
    objects.update(_below_new_organizations(transaction, places, renamed.records))
    objects.update(_renamed(renamed.records))
    return Displacement(objects)


def _below_new_organizations(
    transaction: SourceTransaction, places: OrganizationPlaces, records: PendingRecords
) -> Iterator[tuple[str, Kind]]:
    """Yield the objects that lie below a name which newly is an organization, and belong elsewhere now."""
    covered = ""
    for key in sorted(set(_new_organization_keys(records))):
        if covered and key.startswith(covered):
            continue
        covered = key
        for chunk in record_lookup.below(transaction.connection, transaction.source_id, key, dn.subtree_end(key)):
            spots = [spot for spot in chunk if spot.object_id is not None and spot.kind != Kind.GROUP.value]
            places.prepare((transaction.source_id, spot.dn_key) for spot in spots)
            for spot in spots:
                if spot.object_id is not None and _belongs_elsewhere(transaction, places, spot):
                    yield spot.object_id, Kind(spot.kind)


def _new_organization_keys(records: PendingRecords) -> Iterator[str]:
    """Yield the DN keys at which a record under work newly is an organization."""
    for record in records.values():
        row, stored = record.row, record.stored
        if row.kind == Kind.ORGANIZATION.value and row.object_id is not None and row.dn_key:
            was = stored is not None and stored.object_id == row.object_id and stored.dn_key == row.dn_key
            if not was:
                yield row.dn_key


def _belongs_elsewhere(transaction: SourceTransaction, places: OrganizationPlaces, spot: PlacedRecord) -> bool:
    nearest = places.nearest(transaction.source_id, spot.dn_key)
    expected = nearest if spot.kind == Kind.ORGANIZATION.value else encode_strings((nearest,))
    # An object that is not there yet (placed None) is made by this very batch, and placed then.
    return spot.placed not in (None, expected)


def _renamed(records: PendingRecords) -> Iterator[tuple[str, Kind]]:
    """Yield the objects of records that have another DN, or must be worked through from scratch."""
    for record in records.values():
        row, stored = record.row, record.stored
        if stored is None or row.object_id is None or record.freezes_object:
            continue
        if row.dn_key != stored.dn_key or stored.digest is None:
            yield row.object_id, record.kind
