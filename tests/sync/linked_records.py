"""Records of several sources, and links between them and one object."""

from collections.abc import Mapping
from dataclasses import replace

from gateway.model.deltas import Delta
from gateway.model.objects import Kind
from gateway.model.records import Record, Situation
from gateway.store.engine.column_codecs import milliseconds
from gateway.store.engine.database import Connection
from gateway.store.records import record_rows, records
from tests.sync.synced_store import Store, person

AD, HR = "ad", "hr"


def record(store: Store, source: str, external_id: str, kind: Kind = Kind.USER) -> Record:
    found = store.database.read_blocking(lambda c: records.get(c, source, kind, external_id))
    assert found is not None
    return found


def without_login(external_id: str, **attributes: str) -> Delta:
    """Return a delta as a personnel system gives it: no login name, no place."""
    delta = person("x", external_id=external_id, **attributes)
    return replace(delta, dn="", attributes={name: v for name, v in delta.attributes.items() if name != "username"})


def tie(store: Store, source: str, delta: Delta, object_id: str) -> None:
    """Link the record to the object, as an administrator's decision does."""

    def decide_so(connection: Connection) -> None:
        [(_, head)] = record_rows.heads(connection, source, delta.kind, [delta.external_id]).items()
        row = record_rows.by_id(connection, [head.id])[head.id]
        linked = row._replace(object_id=object_id, decided_by="person:test", decided_at=milliseconds(store.time), digest=None)
        record_rows.replace(connection, [linked._replace(situation=Situation.LINKED.value, reason="")])

    store.apply(delta, source=source)
    store.database.write_blocking(decide_so)
    store.apply(delta, source=source)


def in_three_sources(store: Store, reports: Mapping[str, Delta]) -> str:
    """Report one person from several sources, linked to one user; return its id."""
    first = next(iter(reports))
    store.apply(reports[first], source=first)
    anna = store.user("anna").id
    for source in list(reports)[1:]:
        tie(store, source, reports[source], anna)
    return anna
