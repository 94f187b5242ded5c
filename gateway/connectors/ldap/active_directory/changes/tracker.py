"""The interface by which changes of a domain controller are learned: a ChangeTracker yields change sets.

A change set names the entries and what of them has changed. Their present content is read afterwards
(connectors/ldap/active_directory/reader.py), so that scope and filter are always judged by the whole entry."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Protocol

from gateway.connectors.ldap.client.errors import UpstreamError
from gateway.model.records import Reference


@dataclass(slots=True)
class EntryChange:
    """One entry that has changed or is new.

    `dn`: as the controller reported it. `moved`: its name or parent may have changed, so that the entries below it have other
    DNs. `whole`: it may have come into scope, so everything must be reported again. `primary_group_changed`: its primary group
    may be another one. `added`, `removed`: the members that the change is about, when it is not `whole`.
    """

    guid: str
    dn: str
    moved: bool = True
    whole: bool = True
    primary_group_changed: bool = True
    added: tuple[Reference, ...] = ()
    removed: tuple[Reference, ...] = ()


@dataclass(slots=True)
class ChangeSet:
    """The changes of one answer by objectGUID; `deleted`: the entries that were deleted."""

    changed: dict[str, EntryChange] = field(default_factory=dict)
    deleted: dict[str, None] = field(default_factory=dict)

    def __bool__(self) -> bool:
        return bool(self.changed or self.deleted)

    def add_deleted(self, guid: str) -> None:
        self.changed.pop(guid, None)
        self.deleted[guid] = None

    def add(self, change: EntryChange) -> None:
        self.changed[change.guid] = change


@dataclass(frozen=True, slots=True)
class TrackerState:
    """The tracker's part of a watermark. `cookies`: DirSync's, by naming context. `usn`: the highest uSNChanged that was read.
    Each tracker fills one of them."""

    cookies: Mapping[str, bytes] = field(default_factory=dict, repr=False)
    usn: int = 0


class WatermarkRefused(Exception):
    """The controller cannot continue from the watermark, so everything must be compared. `error`: for the administrator."""

    def __init__(self, error: UpstreamError) -> None:
        super().__init__()
        self.error = error


class TrackingForbidden(Exception):
    """The account may not read changes this way. `error`: for the administrator."""

    def __init__(self, error: UpstreamError) -> None:
        super().__init__()
        self.error = error


class ChangeTracker(Protocol):
    """One way to learn of changes; `name` stands for it in a stored watermark."""

    name: str

    def start(self) -> None:
        """Begin at the present: entries read from now on are not older than `state`. May be called again. Raises
        TrackingForbidden."""

    def change_sets(self) -> Iterator[ChangeSet]:
        """Yield what has changed since `state`, answer by answer; after each, `state` includes it. May be called any number of
        times. Raises WatermarkRefused, TrackingForbidden."""

    def reports_deletions(self) -> bool:
        """Return True when the account is shown the entries that were deleted; otherwise change sets are without them. A domain
        that shows none although some exist, and one in which none exist, cannot be told apart: both are False."""

    @property
    def state(self) -> TrackerState:
        """The progress of reading changes, for a watermark."""
