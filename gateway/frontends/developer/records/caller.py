"""The caller of an operation, and the two things it is given to answer with: the directory narrowed to its scope, and the
projection into its records."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

from gateway.directory.application_scope.readable_attributes import readable_by
from gateway.directory.application_scope.scoped_directory import ScopedDirectory
from gateway.frontends.developer.records.json_records import Projector
from gateway.model.applications import Application
from gateway.store.engine.database import Connection


@dataclass(frozen=True, slots=True)
class Caller:
    """An application of an instance, with a valid token."""

    instance_id: str
    application: Application

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
