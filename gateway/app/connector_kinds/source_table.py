"""The keys that every `[[source]]` of gateway.toml has, whatever its kind: the base of each kind's own table."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated

from pydantic import Field, PositiveFloat, model_validator

from gateway.app.connector_kinds.records_table import RecordsTable
from gateway.app.value_types import Name, NotNegative, Table, Whole
from gateway.model.objects import Kind
from gateway.sync.lifecycle.grace_period import GRACE_DAYS
from gateway.sync.rules.correlation import Correlation

DAY_SECONDS = 86_400
Percent = Annotated[float, Field(ge=0, le=100)]


class DeletionGuardTable(Table):
    """`[source.deletion_guard]`: more deletions than this within the window stop the run and ask a person (law 8).

    For each kind the larger of the count and `percent` of the records of that kind is the limit.
    """

    users: Whole = 30
    organizations: Whole = 10
    groups: Whole = 10
    percent: Percent = 5
    window_seconds: PositiveFloat = 600


class SourceTable(Table):
    """`[[source]]`. `schedule_seconds`: how often a source that cannot push is read again; `full_seconds`: how often everything
    is compared, whatever changes the source reported meanwhile. `target_organization`: the id of the organization that takes
    what has none at the source; "" is the root. `grace_days`: how long a user stays, disabled, whose last record is gone from
    this source.

    A kind's own table narrows `kind`, `users`, `organizations` and `groups`, and adds its keys."""

    name: Name
    kind: str
    schedule_seconds: PositiveFloat = 300
    full_seconds: PositiveFloat = DAY_SECONDS
    grace_days: NotNegative = GRACE_DAYS
    target_organization: str = ""
    deletion_guard: DeletionGuardTable = DeletionGuardTable()
    users: RecordsTable = RecordsTable()
    organizations: RecordsTable = RecordsTable()
    groups: RecordsTable = RecordsTable()

    @model_validator(mode="after")
    def _check_rules(self) -> SourceTable:
        self.correlation()
        return self

    @property
    def authenticates(self) -> bool:
        """True when users of this source log in with their password at the source."""
        return False

    def warnings(self) -> Iterator[str]:
        """Yield a sentence for each setting that is legal, and dangerous."""
        yield from ()

    def records_tables(self) -> tuple[tuple[Kind, RecordsTable], ...]:
        """Return the tables of the kinds of objects, in the order in which those are read."""
        return (Kind.ORGANIZATION, self.organizations), (Kind.USER, self.users), (Kind.GROUP, self.groups)

    def correlation(self) -> Correlation:
        """Return the rules by which the source's records find their objects. Raises ValueError naming the table."""
        found = {}
        for kind, table in self.records_tables():
            try:
                found[kind] = table.rules(kind)
            except ValueError as error:
                raise ValueError(f"[source.{kind}s]: {error}") from None
        return found
