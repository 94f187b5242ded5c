"""The grace period of leavers: the time for which a user that no source has any more stays, disabled. The sweep at its end is
in leaver_sweep.py; this module is a value and two lookups, so that `gateway status` does not load the sweep."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

from gateway.store.engine.database import Connection
from gateway.store.operations import source_state
from gateway.store.records import leavers

GRACE_DAYS: Final = 30.0


@dataclass(frozen=True, slots=True)
class GracePeriods:
    """`days`: the grace period, by source of the configuration."""

    days: Mapping[str, float] = field(default_factory=dict)

    def of(self, connection: Connection) -> dict[str, timedelta]:
        """Return the grace period of every source that has leavers which are deleted by themselves: those of a source that was
        ended (`gateway source terminate`) stay as long as is usual."""
        ended = set(leavers.sources(connection)) - {state.id for state in source_state.all_sources(connection)} - set(self.days)
        days = {**dict.fromkeys(ended, GRACE_DAYS), **self.days}
        return {source_id: timedelta(days=count) for source_id, count in days.items()}

    def ends_at(self, connection: Connection, source_id: str, gone_at: datetime) -> datetime | None:
        """Return the time at which a leaver of the source is deleted; None: not by itself."""
        time = self.of(connection).get(source_id)
        return None if time is None else gone_at + time
