"""The writes of one application over HTTP, whatever the API: what it may write, checked in the transaction that writes it.

An application with the grant writes what it may read, of the objects that it sees, where no source has the say. What it makes,
it sees; what it does not see, it can neither name nor take away."""

from collections.abc import Callable, Collection
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TypeAlias

from gateway.directory.application_scope.readable_attributes import MEMBERS, ORGANIZATIONS
from gateway.directory.application_scope.scoped_directory import ScopedDirectory
from gateway.model.applications import Application, Grant
from gateway.model.attributes import NAMING_ATTRIBUTE, reference_to, referring
from gateway.model.edits import Edit
from gateway.model.errors import Conflict, InvalidInput, NotFound, NotGranted
from gateway.model.objects import ROOT_ORGANIZATION_ID, DirectoryObject, Kind, Member, User
from gateway.store.objects import passwords
from gateway.sync.local.source import LocalDoor, Written
from gateway.sync.rules.authority import ENABLED


def check_granted(application: Application, grant: Grant, sources: Collection[str]) -> None:
    """Raise NotGranted for an application without the grant. `sources`: where its people may be changed instead."""
    if grant in application.grants:
        return
    elsewhere = f"; change it in its source ({', '.join(sources)}) and it follows by itself" if sources else ""
    raise NotGranted(f'This needs the grant "{grant}": an administrator can give it to the application{elsewhere}.')


@dataclass(frozen=True, slots=True)
class ScopedWrites:
    """The writes within one transaction. `directory`: what the application sees in it; `now`: the transaction's time."""

    directory: ScopedDirectory
    door: LocalDoor
    now: datetime

    def create(self, kind: Kind, edit: Edit, external_id: str = "", password_hash: str | None = None) -> Written:
        """Make an object, below the first organization of the application's scope when the edit names none. One that was made
        here under the same external id is found instead, and stays as it is. `password_hash`: of a user. Raises NotGranted,
        NotFound, Conflict, and what the door does."""
        connection = self.directory.connection
        known = self.door.made_here(connection, kind, external_id)
        if known is not None:
            if not self._is_seen(kind, known):
                raise Conflict(f"Another {kind} has this external id.")
            return Written(kind, known, self.door.lock(connection), found=True)
        if kind is Kind.GROUP and self.directory.scope.group_ids is not None:
            raise NotGranted("The application is granted single groups, and would not see a new one.")
        self._check(kind, edit)
        made = self.door.create(connection, kind, self._placed(kind, edit), external_id)
        if password_hash is not None:
            by = f"application {self.directory.application.name}"
            passwords.set_local(connection, made.object_id, password_hash, by=by, now=self.now)
        return made

    def change(self, kind: Kind, object_id: str, edit: Callable[[DirectoryObject], Edit]) -> Written:
        """Change an object from the state that it has now. Raises as `create` does."""
        thing = self.seen(kind, object_id)
        wanted = self._with_hidden(thing, edit(thing))
        self._check(kind, wanted, thing)
        if wanted.organizations is not None:
            if kind is Kind.USER:
                self.directory.require(ORGANIZATIONS)
            self._check_not_top(object_id)
        return self.door.change(self.directory.connection, kind, object_id, wanted)

    def delete(self, kind: Kind, object_id: str) -> Written:
        """Delete an object that was made here. Raises NotFound, and what the door does."""
        self.seen(kind, object_id)
        self._check_not_top(object_id)
        return self.door.delete(self.directory.connection, kind, object_id)

    def seen(self, kind: Kind, object_id: str) -> DirectoryObject:
        """Return the object, under the lock of the change log. Raises NotFound."""
        self.door.lock(self.directory.connection)
        if kind is Kind.USER:
            return self.directory.user(object_id)
        return self.directory.group(object_id) if kind is Kind.GROUP else self.directory.organization(object_id)

    def with_organizations(self, user: DirectoryObject, added: Collection[str]) -> tuple[str, ...]:
        """Return a user's organizations with others after them. Raises NotFound for one that is not seen."""
        for one in added:
            self.directory.organization(one)
        return tuple(dict.fromkeys((*_organizations(user), *added)))

    def without_organizations(self, user: DirectoryObject, removed: Collection[str]) -> tuple[str, ...]:
        """Return a user's organizations without some. Raises NotFound for one that is not seen, Conflict when none is left."""
        for one in removed:
            self.directory.organization(one)
        left = tuple(one for one in _organizations(user) if one not in removed)
        if not left:
            raise Conflict("A user is in one organizational unit at least: add it to another one first.")
        return left

    def members(self, user_ids: Collection[str]) -> tuple[Member, ...]:
        """Return these users as members. Raises NotFound for one that is not seen."""
        return tuple(Member(Kind.USER, self.directory.user(one).id) for one in dict.fromkeys(user_ids))

    def _is_seen(self, kind: Kind, object_id: str) -> bool:
        try:
            self.seen(kind, object_id)
        except NotFound:
            return False
        return True

    def _check_not_top(self, object_id: str) -> None:
        """Refuse to move or delete what the application's scope begins with: its place is decided outside."""
        if object_id != ROOT_ORGANIZATION_ID and object_id in self.directory.scope.organization_ids:
            raise NotGranted("The application's rights begin with this organizational unit: others move and delete it.")

    def _with_hidden(self, thing: DirectoryObject, edit: Edit) -> Edit:
        """Return the edit with the objects that are referred to and not seen: they stay, whatever is written."""
        attributes = dict(edit.attributes)
        for name, values in edit.attributes.items():
            if referring(name) is not None:
                hidden = [one for one in thing.attributes.get(name, ()) if not self._sees_any(str(one))]
                attributes[name] = (*(one for one in values if one not in hidden), *hidden)
        return replace(edit, attributes=attributes)

    def _sees_any(self, object_id: str) -> bool:
        return any(self._is_seen(kind, object_id) for kind in Kind)

    def _check(self, kind: Kind, edit: Edit, thing: DirectoryObject | None = None) -> None:
        """Refuse what the application may not read, and references to what it does not see. A name, and whether an account is
        enabled, is seen by every application."""
        for name in edit.attributes.keys() - {NAMING_ATTRIBUTE[kind], ENABLED}:
            self.directory.require(referring(name) or name)
        if edit.added_members or edit.removed_members:
            self.directory.require(MEMBERS)
        for name, ids in edit.referenced.items():
            present = () if thing is None else thing.attributes.get(reference_to(name), ())
            if not all(one in present or self._sees_any(one) for one in ids):
                raise InvalidInput(f"{name}: names an object that is not there.")

    def _placed(self, kind: Kind, edit: Edit) -> Edit:
        if edit.organizations is not None:
            for one in edit.organizations:
                self.directory.organization(one)
            return edit
        if kind is Kind.GROUP:
            return edit
        scope = self.directory.scope.organization_ids
        if ROOT_ORGANIZATION_ID in scope:
            return replace(edit, organizations=(ROOT_ORGANIZATION_ID,))
        if kind is Kind.ORGANIZATION or not scope:
            raise InvalidInput("The application sees some organizational units only: name the one to which this belongs.")
        return replace(edit, organizations=scope[:1])


ScopedWork: TypeAlias = Callable[[ScopedWrites], Written]
"""A piece of work that is done in one transaction."""


def _organizations(user: DirectoryObject) -> tuple[str, ...]:
    return user.organization_ids if isinstance(user, User) else ()
