"""The context that every stage of the door shares: one transaction of one source. Frozen; what a stage finds out is its result
(stage_results.py) and never lies here."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from gateway.model.connector import LOCAL, LOCAL_TYPE
from gateway.model.objects import Origin
from gateway.store.correlation.object_keys import Names
from gateway.store.engine.column_codecs import milliseconds
from gateway.store.engine.database import Connection
from gateway.store.operations import instance
from gateway.store.records.record_rows import RecordRow
from gateway.sync.rules.authority import NO_RULES, Authority
from gateway.sync.rules.correlation import Correlation


@dataclass(frozen=True, slots=True)
class SourceTransaction:
    """`now` is the transaction's only time. `rules`: how the source's records find their objects, by kind, with the defaults
    for kinds that are not in it. `key_names`: the attributes for which keys are kept, by kind. `given_ids`: the external ids
    that callers gave to what is made here, by object id."""

    connection: Connection
    source_id: str
    source_type: str
    now: datetime
    authority: Authority = NO_RULES
    rules: Correlation = field(default_factory=dict)
    key_names: Names = field(default_factory=dict)
    given_ids: Mapping[str, str] = field(default_factory=dict)

    @property
    def stamp(self) -> int:
        """`now` as the tables hold it: milliseconds since 1970."""
        return milliseconds(self.now)

    @property
    def is_local(self) -> bool:
        """True for the source `local`: what is written here names its objects itself and needs no correlation."""
        return self.source_id == LOCAL

    def origin(self, row: RecordRow) -> Origin:
        """Return the origin of an object that is made for the record. One that is made here has this gateway as its origin,
        and the external id that its caller gave, if any."""
        if self.is_local:
            return Origin(LOCAL_TYPE, instance.instance_id(self.connection), self.given_ids.get(row.external_id, ""))
        return Origin(self.source_type, self.source_id, row.external_id)
