"""Inbound mapping of entries that are known in part: what a source reports that tells only what has changed. Pure.

Whatever an attribute that is not known may decide is not said (law 9), also not by way of an expression or a "first of"."""

from collections.abc import Collection
from dataclasses import replace

from gateway.model.attributes import NAMING_ATTRIBUTE
from gateway.model.deltas import Delta
from gateway.model.mapping import EntryAttributes, InboundMapping, map_entry
from gateway.model.mapping_values import normalized


def companions(mapping: InboundMapping, changed: Collection[str]) -> tuple[str, ...]:
    """What to read of an entry beside these source attributes (in any case), so that `map_changes` can say all that follows
    from them; spelled as in `source_attributes`. Empty for most changes."""
    seen = {normalized(name) for name in changed}
    needed = {name for names in mapping.together if not names.isdisjoint(seen) for name in names - seen}
    return tuple(name for name in mapping.source_attributes if normalized(name) in needed) if needed else ()


def map_changes(mapping: InboundMapping, source_id: str, external_id: str, dn: str, entry: EntryAttributes) -> Delta:
    """As `map_entry`, from the attributes in `entry` alone: one without a value has none any more; all others are not known."""
    part = mapping.part(frozenset([normalized(description) for description, _ in entry]))
    delta = map_entry(part, source_id, external_id, dn, entry)
    naming = NAMING_ATTRIBUTE[mapping.kind]
    if delta.problem and naming not in part.attributes and naming not in part.expressions:
        return replace(delta, problem="")  # the name is not known, which is not to say that there is none
    return delta
