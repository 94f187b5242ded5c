"""What a domain controller tells of changes: which entries, and what of them. What has become of them is read afterwards
(reader.py), so that scope and filter are always judged by the whole entry."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Protocol

from gateway.connectors.ldap.client.errors import UpstreamError
from gateway.model.records import Reference


@dataclass(slots=True)
class Change:
    """One entry that has changed, or is new.

    `dn`: as the controller told it. `moved`: its name or place may be another, so that what lies below it has another DN.
    `whole`: it may have come into scope, so all that it says must be said again. `primary`: its primary group may be another.
    `added`, `removed`: the members that the change is about, when it is not `whole`.
    """

    guid: str
    dn: str
    moved: bool = True
    whole: bool = True
    primary: bool = True
    added: tuple[Reference, ...] = ()
    removed: tuple[Reference, ...] = ()


@dataclass(slots=True)
class Changes:
    """What one answer told, by objectGUID; `gone`: entries that were deleted."""

    changed: dict[str, Change] = field(default_factory=dict)
    gone: dict[str, None] = field(default_factory=dict)

    def __bool__(self) -> bool:
        return bool(self.changed or self.gone)

    def note_gone(self, guid: str) -> None:
        self.changed.pop(guid, None)
        self.gone[guid] = None

    def note(self, change: Change) -> None:
        self.changed[change.guid] = change


class PositionRefused(Exception):
    """The controller cannot go on from where we are: everything must be compared. `refused` says so to a person."""

    def __init__(self, refused: UpstreamError) -> None:
        super().__init__()
        self.refused = refused


class NotAllowed(Exception):
    """The account may not read changes this way."""

    def __init__(self, refused: UpstreamError) -> None:
        super().__init__()
        self.refused = refused


class Tracker(Protocol):
    """One way to learn of changes; `name` stands for it in a stored position."""

    name: str

    def start(self) -> None:
        """Begin at the present: what is read from now on is not older. Raises NotAllowed."""

    def rounds(self) -> Iterator[Changes]:
        """What has changed since then, or since the last time, answer by answer; after each, `position` has it behind itself.
        Raises PositionRefused, NotAllowed."""

    @property
    def position(self) -> dict[str, Any]:
        """How far it has come, as JSON can hold it."""
