"""Which organization stands above each organization record of a batch, before any of them is stored: for rules by path, which
compare an organization's name and what is above it."""

from collections.abc import Iterator, Sequence

from gateway.model.ldap import dn
from gateway.model.objects import Kind
from gateway.store.records import record_rows, references
from gateway.sync.batch_state import Touched, Work
from gateway.sync.objects.placement import Placement
from gateway.sync.references.references import PARENT, Names, comparable


class Parents:
    """Answers for these touched organization records. Asked while they are being linked: who has no object yet stands for
    none."""

    def __init__(self, work: Work, batch: Sequence[Touched]) -> None:
        self._work = work
        self._placement = Placement(work.connection)
        touched = [one for one in work.touched.values() if one.kind is Kind.ORGANIZATION]
        self._at_dn = {one.row.dn_key: one.row.id for one in touched if one.row.dn_key}
        self._at_id = {one.row.external_id: one.row.id for one in touched}
        self._stored: dict[str, str | None] = {}
        self._said: dict[int, list[tuple[int, str | None]]] = {}
        self._note_stored(batch)
        self._note_said(batch)

    def of(self, one: Touched) -> str:
        """The id of the organization above."""
        for record_id, object_id in self._above(one):
            touched = self._work.touched.get(record_id)
            found = object_id if touched is None else touched.row.object_id
            if found is not None:
                return found
        return self._placement.target(self._work.source_id)

    def waits_for(self, one: Touched) -> set[int]:
        """The records of the batch that decide where this one stands."""
        return {record_id for record_id, _ in self._above(one) if record_id in self._work.touched}

    def _above(self, one: Touched) -> Iterator[tuple[int, str | None]]:
        """Records, nearest first, each with its stored object. Those of the batch itself count as they are there."""
        yield from self._said.get(one.row.id, ())
        key = dn.parent_key(one.row.dn_key)
        while key:
            if key in self._at_dn:
                yield self._at_dn[key], None
            elif self._stored.get(key) is not None:
                yield 0, self._stored[key]
            key = dn.parent_key(key)

    def _note_stored(self, batch: Sequence[Touched]) -> None:
        keys = set()
        for one in batch:
            key = dn.parent_key(one.row.dn_key)
            while key and key not in keys:
                keys.add(key)
                key = dn.parent_key(key)
        for key, target in record_rows.at_dn(self._work.connection, self._work.source_id, keys) if keys else ():
            if target.kind == Kind.ORGANIZATION.value:
                self._stored[key] = target.object_id

    def _note_said(self, batch: Sequence[Touched]) -> None:
        """What the records say of their parents: in this report, else in an earlier one."""
        said = {
            one.row.id: [comparable(reference) for reference in one.delta.references[PARENT]]
            for one in batch
            if one.delta is not None and PARENT in one.delta.references
        }
        names = Names(self._work, (reference for wanted in said.values() for reference in wanted))
        for record_id, wanted in said.items():
            for form, value in wanted:
                own = self._at_dn.get(value, self._at_id.get(value))
                target = names.target(form, value, (Kind.ORGANIZATION.value,))
                if own is not None:
                    self._said.setdefault(record_id, []).append((own, None))
                elif target is not None:
                    self._said.setdefault(record_id, []).append((target.id, target.object_id))
        silent = [one.row.id for one in batch if one.row.id not in said and one.old is not None]
        pointers = references.named(self._work.connection, silent, PARENT) if silent else []
        targets = record_rows.targets(self._work.connection, {pointer.target for pointer in pointers})
        for pointer in pointers:
            self._said.setdefault(pointer.owner, []).append((pointer.target, targets[pointer.target].object_id))
