"""The shape of one kind of source: its table and the makers of the parts of one source of it. Values only; registry.py has them
all, and gateway.app.parts makes the parts.

A maker is called with a table of its own kind and opens nothing. A connector that takes time to import is imported in there,
so that a kind and its table can be looked up without it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Generic, Protocol, TypeVar

from gateway.app.connector_kinds.source_table import SourceTable
from gateway.model.connector import Authenticator, PasswordChanger, Source
from gateway.model.jit import UserLookup
from gateway.twisted_internals.reactor import IReactor

TableT = TypeVar("TableT", bound=SourceTable)
TableT_contra = TypeVar("TableT_contra", bound=SourceTable, contravariant=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class LoginParts:
    """The parts by which users log in with their passwords at one source, in one process. `offline_bind_seconds`: how long the
    password that it accepted last is good while it cannot be reached. `password_changer` changes a password as its user,
    `password_resetter` with the source's own account; `user_lookup` finds users for just-in-time creation; each is None where
    the table does not ask for it. `closers` end what the parts hold."""

    authenticator: Authenticator
    offline_bind_seconds: float = 0
    password_changer: PasswordChanger | None = None
    password_resetter: PasswordChanger | None = None
    user_lookup: UserLookup | None = None
    closers: Sequence[Callable[[], object]] = ()


class MakeLoginParts(Protocol[TableT_contra]):
    """Makes the login parts of a source whose table `authenticates`. `processes`: among how many the connections that the
    table allows are shared."""

    def __call__(
        self, table: TableT_contra, reactor: IReactor, *, now: Callable[[], datetime], processes: int
    ) -> LoginParts: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceKind(Generic[TableT]):
    """One kind of source. `source_type`: its word in the Developer API, the same as the Source's own. `fingerprint` changes
    with everything that decides what a source reports; no secret goes in. `login_parts`: None for a kind without passwords."""

    table: type[TableT]
    source_type: str
    source: Callable[[TableT], Source]
    fingerprint: Callable[[TableT], str]
    login_parts: MakeLoginParts[TableT] | None = None
