"""Collects the difference that stored references make to objects: members that groups gain or lose, places that change."""

from collections.abc import Iterable, Iterator

from gateway.model.deltas import MEMBERS
from gateway.model.objects import Kind, Member
from gateway.store.engine.database import Connection
from gateway.store.records import record_lookup
from gateway.store.records.record_lookup import Target
from gateway.store.records.references import RecordReference


class ReferenceEffects:
    """The working value of one stage. `targets`: records whose kind and object are known, as they are going to be; others are
    looked up once, as they are stored."""

    def __init__(self, connection: Connection, targets: dict[int, Target] | None = None) -> None:
        self._connection = connection
        self.targets: dict[int, Target] = {} if targets is None else targets
        self.lost_members: set[tuple[str, Member]] = set()
        self.displaced: dict[str, Kind] = {}
        self._new_members: set[tuple[int, int]] = set()

    def load(self, record_ids: Iterable[int]) -> None:
        """See to it that `targets` has these records."""
        unknown = {record_id for record_id in record_ids if record_id not in self.targets}
        self.targets.update(record_lookup.targets(self._connection, unknown))

    def note_lost(self, pointer: RecordReference, before: dict[int, Target] | None = None) -> None:
        """A reference is gone: its owner's object may have lost a member, or its place. Both records must be loaded; `before`
        has those that were other objects' when the reference counted."""
        earlier = before or {}
        owner = earlier.get(pointer.owner) or self.targets[pointer.owner]
        target = earlier.get(pointer.target) or self.targets[pointer.target]
        if owner.object_id is None:
            return
        if pointer.name != MEMBERS:
            self.displaced[owner.object_id] = Kind(owner.kind)
        elif target.object_id is not None:
            self.lost_members.add((owner.object_id, Member(Kind(target.kind), target.object_id)))

    def note_new(self, pointer: RecordReference) -> None:
        """A reference is there, or counts only now: its owner's object may have a new member, or another place."""
        if pointer.name == MEMBERS:
            self._new_members.add((pointer.owner, pointer.target))
            return
        self.load((pointer.owner,))
        owner = self.targets[pointer.owner]
        if owner.object_id is not None:
            self.displaced[owner.object_id] = Kind(owner.kind)

    def gained_members(self) -> dict[tuple[str, str], Member]:
        """Return (group id, member id) → member for the new references between records that have objects."""
        self.load(record_id for pair in self._new_members for record_id in pair)
        return dict(self._gained())

    def _gained(self) -> Iterator[tuple[tuple[str, str], Member]]:
        for owner_id, target_id in self._new_members:
            owner, target = self.targets[owner_id], self.targets[target_id]
            if owner.object_id is not None and target.object_id is not None:
                yield (owner.object_id, target.object_id), Member(Kind(target.kind), target.object_id)
