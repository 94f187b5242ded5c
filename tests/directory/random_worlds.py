"""Random histories of a directory: every kind of change to users, groups and organizations, in any order."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial
from random import Random
from typing import Any, TypeVar

from gateway.model.objects import ROOT_ORGANIZATION_ID, DirectoryObject, Group, Organization, User
from tests.directory.worlds import World, group, organization, user

NAMES = ("anna", "Anna", "ANNA ", "ben", "Bén", "a,b", "x+y")
UNITS = (*NAMES, "people", "Groups", "users", "all", "applications")
LOGINS = ("anna", "Anna", "ben", "BEN", "cy", "d,e")


T = TypeVar("T")


class History:
    """Does one thing after the other to a world; `random` says what."""

    def __init__(self, world: World, random: Random) -> None:
        self._world = world
        self._random = random
        self._number = 0
        self.users: dict[str, User] = {}
        self.groups: dict[str, Group] = {}
        self.organizations: dict[str, Organization] = {}
        self._steps: tuple[Callable[[], None], ...] = (
            *(self._new_user, self._new_group, self._new_organization) * 2,
            *(self._rename_user, self._swap_users, self._place_user, self._describe_user, self._number_user),
            *(self._rename_group, self._join, self._join, self._leave),
            *(self._rename_organization, self._move_organization),
            *(partial(self._delete, self.users), partial(self._delete, self.groups), self._delete_organization),
        )

    def step(self) -> None:
        """One thing happens (or nothing, when there is nothing to which it could)."""
        self._random.choice(self._steps)()

    def _put(self, item: DirectoryObject) -> None:
        kept = self.users if isinstance(item, User) else self.groups if isinstance(item, Group) else self.organizations
        kept[item.id] = item  # type: ignore[assignment]
        self._world.put(item)

    def _next(self) -> int:
        """Ages and ids do not go together: an object that comes later may be the older one."""
        self._number += 1
        return self._number * 7919 % 1009

    def _free_login(self) -> str:
        taken = {one.username.lower() for one in self.users.values()}
        free = [name for name in LOGINS if name.lower() not in taken]
        return self._random.choice(free or [f"u{self._next()}"])

    def _places(self) -> list[str]:
        everywhere = [ROOT_ORGANIZATION_ID, *self.organizations]
        return self._random.sample(everywhere, min(len(everywhere), self._random.randrange(3)))

    def _new_user(self) -> None:
        number = self._random.choice(({}, {"uid_number": ["7"], "gid_number": ["7"]}))
        mail = [self._random.choice(NAMES)]
        self._put(user(self._next(), self._free_login(), self._places(), email=mail, display_name=mail, **number))

    def _number_user(self) -> None:
        """With and without a number, and a group of one's own; enabled or not."""
        for one in self._some(self.users):
            numbers = {"uid_number": ("7",), "gid_number": (self._random.choice("78"),)}
            attributes = {name: found for name, found in one.attributes.items() if name not in numbers}
            chosen = self._random.choice((attributes, attributes | numbers))
            self._put(replace(one, attributes=chosen, enabled=self._random.random() < 0.5))

    def _new_group(self) -> None:
        posix = self._random.choice(({}, {"gid_number": ["7"]}))
        self._put(group(self._next(), self._random.choice(NAMES), **posix))

    def _new_organization(self) -> None:
        parent = self._random.choice([ROOT_ORGANIZATION_ID, *self.organizations])
        self._put(organization(self._next(), self._random.choice(UNITS), parent))

    def _rename_user(self) -> None:
        for one in self._some(self.users):
            case = self._random.random() < 0.3
            self._put(replace(one, username=one.username.swapcase() if case else self._free_login()))

    def _swap_users(self) -> None:
        if len(self.users) >= 2:
            one, other = self._random.sample(list(self.users.values()), 2)
            swapped = [replace(one, username=other.username), replace(other, username=one.username)]
            self.users.update({user_.id: user_ for user_ in swapped})
            self._world.update_users(swapped)

    def _place_user(self) -> None:
        for one in self._some(self.users):
            self._put(replace(one, organization_ids=tuple(self._places()) or (ROOT_ORGANIZATION_ID,)))

    def _describe_user(self) -> None:
        for one in self._some(self.users):
            self._put(replace(one, attributes={"description": (self._random.choice(NAMES),)}))

    def _rename_group(self) -> None:
        for one in self._some(self.groups):
            self._put(replace(one, name=self._random.choice(NAMES)))

    def _join(self) -> None:
        for one in self._some(self.groups):
            self._world.join(one, *self._some(self.users), *self._some(self.groups))

    def _leave(self) -> None:
        for one in self._some(self.groups):
            self._world.leave(one, *self._some(self.users), *self._some(self.groups))

    def _rename_organization(self) -> None:
        for one in self._some(self.organizations):
            self._put(replace(one, name=self._random.choice(UNITS)))

    def _move_organization(self) -> None:
        for one in self._some(self.organizations):
            parents = [other for other in self.organizations if one.id not in self._path(other)]
            self._put(replace(one, parent_id=self._random.choice([ROOT_ORGANIZATION_ID, *parents])))

    def _path(self, organization_id: str) -> list[str]:
        path = []
        while organization_id != ROOT_ORGANIZATION_ID:
            path.append(organization_id)
            organization_id = self.organizations[organization_id].parent_id or ROOT_ORGANIZATION_ID
        return path

    def _delete(self, kept: dict[str, Any]) -> None:
        for one in self._some(kept):
            del kept[one.id]
            self._world.delete(one)

    def _delete_organization(self) -> None:
        """Move the organization's people and children elsewhere first, as the one door does."""
        for chosen in self._some(self.organizations):
            one = self.organizations[chosen.id]
            for person in [person for person in self.users.values() if one.id in person.organization_ids]:
                left = tuple(other for other in person.organization_ids if other != one.id)
                self._put(replace(person, organization_ids=left or (ROOT_ORGANIZATION_ID,)))
            for child in [child for child in self.organizations.values() if child.parent_id == one.id]:
                self._put(replace(child, parent_id=one.parent_id))
            del self.organizations[one.id]
            self._world.delete(one)

    def _some(self, kept: Mapping[str, T]) -> list[T]:
        return self._random.sample(list(kept.values()), min(len(kept), self._random.choice((0, 1, 1, 2))))
