"""Names in references (DN, id at the source, login name), and the records that have them."""

from collections import defaultdict
from collections.abc import Collection, Iterable

from gateway.model.objects import Kind
from gateway.model.records import Reference, ReferenceForm
from gateway.store.engine.normalized_keys import name_key
from gateway.store.records import record_lookup
from gateway.store.records.record_lookup import Target
from gateway.sync.source_transaction import SourceTransaction


def comparable(reference: Reference) -> tuple[ReferenceForm, str]:
    """Return form and value as they are stored."""
    form, value = reference
    return form, name_key(value) if form is ReferenceForm.LOGIN else value.replace("\0", "\ufffd")


class RecordNames:
    """The records of the source behind the names in some references, looked up together."""

    def __init__(self, transaction: SourceTransaction, wanted: Iterable[tuple[ReferenceForm, str]]) -> None:
        values: defaultdict[ReferenceForm, set[str]] = defaultdict(set)
        for form, value in wanted:
            values[form].add(value)
        self._found: dict[tuple[ReferenceForm, str, str], Target] = {}
        connection, source_id = transaction.connection, transaction.source_id
        if dns := values[ReferenceForm.DN]:
            self._note(ReferenceForm.DN, record_lookup.at_dn(connection, source_id, dns))
        if ids := values[ReferenceForm.ID]:
            self._note(ReferenceForm.ID, record_lookup.at_external_id(connection, source_id, tuple(Kind), ids))
        if logins := values[ReferenceForm.LOGIN]:
            self._note(ReferenceForm.LOGIN, record_lookup.at_login(connection, source_id, logins))

    def _note(self, form: ReferenceForm, found: list[tuple[str, Target]]) -> None:
        for value, target in found:
            self._found[form, value, target.kind] = target

    @property
    def targets(self) -> Iterable[Target]:
        """All records that were found."""
        return self._found.values()

    def target(self, form: ReferenceForm, value: str, kinds: Collection[str]) -> Target | None:
        """Return the record of one of these kinds that has the name."""
        for kind in kinds:
            target = self._found.get((form, value, kind))
            if target is not None:
                return target
        return None
