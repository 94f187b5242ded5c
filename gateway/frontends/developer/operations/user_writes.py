"""The Developer API's writes of users. Each reads the request and returns the piece of work that is done in one transaction."""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Annotated, Literal

from msgspec import UNSET, Meta, Struct, UnsetType

from gateway.frontends.developer.operations import custom_fields
from gateway.frontends.developer.operations.custom_fields import MAX_FIELDS, FieldChange, NewField
from gateway.frontends.developer.operations.passwords import MAX_PASSWORD_CHARACTERS
from gateway.frontends.http.request import Request
from gateway.frontends.scoped_writes import ScopedWork, ScopedWrites
from gateway.model.attributes import PHONE_REGION, VERIFIED_EMAIL, VERIFIED_PHONE_NUMBER
from gateway.model.edits import Edit
from gateway.model.errors import InvalidInput
from gateway.model.objects import Attributes, DirectoryObject, Kind, Value, first_text
from gateway.sync.local.source import Written

MAX_UNITS = 100
"""Organizational units in one request."""

ExternalId = Annotated[str, Meta(max_length=256)]
Id = Annotated[str, Meta(min_length=1, max_length=64)]
Text = Annotated[str, Meta(max_length=256)]
Description = Annotated[str, Meta(max_length=1_024)]
Username = Annotated[str, Meta(min_length=1, max_length=256)]
Region = Annotated[str, Meta(pattern=r"^(\+?[0-9]{1,4})?$")]
Password = Annotated[str, Meta(min_length=1, max_length=MAX_PASSWORD_CHARACTERS)]


class PasswordInitialization(Struct, rename="camel", forbid_unknown_fields=True):
    """How a new user gets a password. `random`: it is made here and shown once, in the answer."""

    password_initialization_type: Literal["random"]
    password_forced_update_status: Literal["disabled"] = "disabled"  # noqa: S105
    password_initialization_policy_priority: Literal["global", "custom"] | None = None
    user_notification_channels: Annotated[list[str], Meta(max_length=0)] | None = None


class _Described(Struct, rename="camel", kw_only=True):
    """The fields of a user that are attributes; None and "" take a value away."""

    display_name: Text | UnsetType | None = UNSET
    email: Text | UnsetType | None = UNSET
    email_verified: bool | UnsetType = UNSET
    phone_number: Text | UnsetType | None = UNSET
    phone_number_verified: bool | UnsetType = UNSET
    phone_region: Region | UnsetType | None = UNSET

    def attributes(self, present: Attributes) -> dict[str, tuple[Value, ...]]:
        """Return the attributes that the fields change. An address takes the place of the main one, others stay."""
        found: dict[str, tuple[Value, ...]] = {}
        if self.display_name is not UNSET:
            found["display_name"] = (self.display_name,) if self.display_name else ()
        if self.phone_region is not UNSET:
            found[PHONE_REGION] = (self.phone_region.removeprefix("+"),) if self.phone_region else ()
        self._address(found, present, "email", VERIFIED_EMAIL, self.email, self.email_verified)
        number = (self.phone_number, self.phone_number_verified)
        self._address(found, present, "phone_number", VERIFIED_PHONE_NUMBER, *number)
        return found

    @staticmethod
    def _address(
        found: dict[str, tuple[Value, ...]],
        present: Attributes,
        name: str,
        verified: str,
        address: str | UnsetType | None,
        is_verified: bool | UnsetType,
    ) -> None:
        if address is not UNSET:
            others = [one for one in present.get(name, ())[1:] if one != address]
            found[name] = (address, *others) if address else ()
        main = first_text(found, name) if name in found else first_text(present, name)
        if is_verified is not UNSET:
            found[verified] = (main,) if main and is_verified else ()
        elif address is not UNSET and main != first_text(present, verified):
            found[verified] = ()


class NewUser(_Described, kw_only=True):
    """CreateUser."""

    username: Username
    description: Description | None = None
    custom_fields: Annotated[list[NewField], Meta(max_length=MAX_FIELDS)] = []
    password: Password | None = None
    password_initialization_config: PasswordInitialization | None = None
    primary_organizational_unit_id: Id | None = None
    user_external_id: ExternalId = ""


class _UserChange(_Described, kw_only=True):
    username: Username | UnsetType = UNSET
    custom_fields: Annotated[list[FieldChange], Meta(max_length=MAX_FIELDS)] = []


class _Units(Struct, rename="camel"):
    organizational_unit_ids: Annotated[list[Id], Meta(min_length=1, max_length=MAX_UNITS)]


class _Unit(Struct, rename="camel"):
    organizational_unit_id: Id


def new_user(asked: NewUser, password_hash: str | None) -> ScopedWork:
    """CreateUser. `password_hash`: of the password that it asks for. Raises InvalidInput."""
    if asked.password and asked.password_initialization_config:
        raise InvalidInput("password: is given, and passwordInitializationConfig asks for another one.")
    attributes = {**custom_fields.given(asked.custom_fields), **asked.attributes({}), "username": (asked.username,)}
    if asked.description:
        attributes["description"] = (asked.description,)
    unit = asked.primary_organizational_unit_id
    edit = Edit({name: values for name, values in attributes.items() if values}, (unit,) if unit else None)
    return lambda writes: writes.create(Kind.USER, edit, asked.user_external_id, password_hash)


def patch_user(request: Request) -> ScopedWork:
    """PatchUser: what is not named stays."""
    return _changed(request, partial(_patched, request.json_as(_UserChange)))


def _patched(asked: _UserChange, user: DirectoryObject) -> Edit:
    attributes = {**custom_fields.changed(user.attributes, asked.custom_fields), **asked.attributes(user.attributes)}
    if asked.username is not UNSET:
        attributes["username"] = (asked.username,)
    return Edit(attributes)


def delete_user(request: Request) -> ScopedWork:
    """DeleteUser."""
    return lambda writes: writes.delete(Kind.USER, request.arguments["user_id"])


def enable_user(request: Request) -> ScopedWork:
    """EnableUser."""
    return _changed(request, lambda _: Edit(_ENABLED))


def disable_user(request: Request) -> ScopedWork:
    """DisableUser."""
    return _changed(request, lambda _: Edit(_DISABLED))


def add_to_units(request: Request) -> ScopedWork:
    """AddUserToOrganizationalUnits: behind those that the user is in."""
    return _moved(request, request.json_as(_Units).organizational_unit_ids, ScopedWrites.with_organizations)


def remove_from_units(request: Request) -> ScopedWork:
    """RemoveUserFromOrganizationalUnits: where the primary one is among them, the next becomes it."""
    return _moved(request, request.json_as(_Units).organizational_unit_ids, ScopedWrites.without_organizations)


def set_primary_unit(request: Request) -> ScopedWork:
    """SetUserPrimaryOrganizationalUnit: one that the user is not in yet is joined."""
    unit = request.json_as(_Unit).organizational_unit_id

    def with_first(writes: ScopedWrites, user: DirectoryObject, units: Sequence[str]) -> tuple[str, ...]:
        return tuple(dict.fromkeys((unit, *writes.with_organizations(user, units))))

    return _moved(request, [unit], with_first)


def _moved(
    request: Request, units: Sequence[str], move: Callable[[ScopedWrites, DirectoryObject, Sequence[str]], tuple[str, ...]]
) -> ScopedWork:
    def work(writes: ScopedWrites) -> Written:
        return writes.change(
            Kind.USER, request.arguments["user_id"], lambda user: Edit(organizations=move(writes, user, units))
        )

    return work


def _changed(request: Request, edit: Callable[[DirectoryObject], Edit]) -> ScopedWork:
    return lambda writes: writes.change(Kind.USER, request.arguments["user_id"], edit)


_ENABLED: Mapping[str, tuple[Value, ...]] = {"enabled": ("true",)}
_DISABLED: Mapping[str, tuple[Value, ...]] = {"enabled": ("false",)}
