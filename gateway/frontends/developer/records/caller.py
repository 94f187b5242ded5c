"""The caller of an operation, and the two things it is given to answer with: the directory narrowed to its scope, and the
projection into its records."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TypeAlias

from gateway.directory.application_scope.readable_attributes import readable_by
from gateway.directory.application_scope.scoped_directory import ScopedDirectory
from gateway.frontends.developer.records.json_records import Projector
from gateway.frontends.developer.records.next_token import Binding
from gateway.model.applications import Application
from gateway.store.engine.database import Connection


@dataclass(frozen=True, slots=True)
class Caller:
    """An application of an instance, with a valid token. `token_keys`: the instance's, for what it gives to clients."""

    instance_id: str
    application: Application
    token_keys: tuple[bytes, ...] = field(repr=False)

    def binding(self, purpose: str) -> Binding:
        """Return the binding of the tokens that this caller is given for a list; `purpose` names it with its filters."""
        return Binding(self.instance_id, self.application.id, purpose, self.token_keys)

    @property
    def projector(self) -> Projector:
        """The projection into the records that this caller may read."""
        return Projector(self.instance_id, readable_by(self.application))


@dataclass(frozen=True, slots=True)
class CallerView:
    """The directory as `caller` sees it, within one transaction."""

    caller: Caller
    directory: ScopedDirectory
    project: Projector


def view_of(connection: Connection, caller: Caller) -> CallerView:
    """Return the caller's view on this connection."""
    return CallerView(caller, ScopedDirectory(connection, caller.application), caller.projector)


Admitted: TypeAlias = Callable[[Connection], CallerView]
"""Authenticates the caller within a transaction and returns its view; raises HttpError: token and rights count in each."""
