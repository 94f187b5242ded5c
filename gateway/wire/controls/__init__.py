"""Controls as values: `find` reads one out of a message, `control` makes one for a message. Unknown controls stay Controls.

Each value has its `oid`, its `encode` and its `decode`; decode raises WireError, offsets counting from the control's value.

The values are defined by subject in `search` (read it first), `virtual_list_view`, `bind_and_update`, `content_sync`,
`persistent_search` and `active_directory`; the names are imported from here.
"""

from collections.abc import Iterable
from typing import ClassVar, Protocol, Self, TypeVar

from gateway.wire.controls.active_directory import DirSync, DirSyncFlags, ExtendedDN, ShowDeleted
from gateway.wire.controls.bind_and_update import (
    ManageDsaIT,
    PasswordPolicyError,
    PasswordPolicyRequest,
    PasswordPolicyResponse,
    PostReadRequest,
    PostReadResponse,
    PreReadRequest,
    PreReadResponse,
    ProxiedAuthorization,
)
from gateway.wire.controls.content_sync import (
    EntryState,
    NewCookie,
    RefreshDelete,
    RefreshPresent,
    SyncDone,
    SyncIdSet,
    SyncInfo,
    SyncMode,
    SyncRequest,
    SyncState,
    decode_sync_info,
)
from gateway.wire.controls.persistent_search import ChangeNotification, ChangeTypes, EntryChange, PersistentSearch
from gateway.wire.controls.search import Assertion, MatchedValues, PagedResults, SortKey, SortRequest, SortResponse
from gateway.wire.controls.virtual_list_view import ListPosition, ListRequest, ListResponse
from gateway.wire.messages import Control

__all__ = [
    "Assertion",
    "ChangeNotification",
    "ChangeTypes",
    "ControlValue",
    "DirSync",
    "DirSyncFlags",
    "EntryChange",
    "EntryState",
    "ExtendedDN",
    "ListPosition",
    "ListRequest",
    "ListResponse",
    "ManageDsaIT",
    "MatchedValues",
    "NewCookie",
    "PagedResults",
    "PasswordPolicyError",
    "PasswordPolicyRequest",
    "PasswordPolicyResponse",
    "PersistentSearch",
    "PostReadRequest",
    "PostReadResponse",
    "PreReadRequest",
    "PreReadResponse",
    "ProxiedAuthorization",
    "RefreshDelete",
    "RefreshPresent",
    "ShowDeleted",
    "SortKey",
    "SortRequest",
    "SortResponse",
    "SyncDone",
    "SyncIdSet",
    "SyncInfo",
    "SyncMode",
    "SyncRequest",
    "SyncState",
    "control",
    "decode_sync_info",
    "find",
]


class ControlValue(Protocol):
    """The interface of the values of all implemented controls."""

    oid: ClassVar[str]

    def encode(self) -> bytes | None:
        """The controlValue, or None for a control that has none."""

    @classmethod
    def decode(cls, value: bytes | None, /) -> Self:
        """Decode a controlValue. Raises WireError."""


_Value = TypeVar("_Value", bound=ControlValue)


def find(controls: Iterable[Control], kind: type[_Value]) -> _Value | None:
    """The first control of this kind, decoded; None if there is none. Raises WireError for a malformed one."""
    for found in controls:
        if found.control_type == kind.oid:
            return kind.decode(found.value)
    return None


def control(value: ControlValue, criticality: bool = False) -> Control:
    """`value` as a Control of a message."""
    return Control(value.oid, criticality, value.encode())
