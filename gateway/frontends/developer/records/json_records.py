"""The directory's objects as the Developer API's JSON: exact field names, times in UNIX milliseconds.

Pure: what an object belongs to is handed in, already narrowed to the caller's scope. Fields without a value are left out, and
so are attributes that the caller may not read."""

from datetime import datetime

from msgspec import UNSET, Struct, UnsetType, structs

from gateway.directory.application_scope.readable_attributes import LOCAL_PASSWORD, MEMBERS, Readable
from gateway.directory.application_scope.scoped_directory import ScopedOrganization, ScopedUser
from gateway.model.attributes import PASSWORD_CHANGED, PHONE_REGION, VERIFIED_EMAIL, VERIFIED_PHONE_NUMBER
from gateway.model.ldap.times import moment_of
from gateway.model.objects import Group, Organization, User

NEVER = -1
"""The API's value for a time that does not come."""


class CustomField(Struct, rename="camel", frozen=True):
    """One value of an attribute that has no field of its own; several values are several entries, in order."""

    field_name: str
    field_value: str


class UserRecord(Struct, rename="camel", frozen=True, kw_only=True):
    """A user as ListUsers shows it."""

    instance_id: str
    user_id: str
    username: str
    display_name: str
    status: str
    user_source_type: str
    user_source_id: str
    user_external_id: str
    create_time: int
    update_time: int
    register_time: int
    account_expire_time: int | UnsetType = NEVER
    lock_expire_time: int | UnsetType = NEVER
    password_set: bool | UnsetType = False
    email: str | UnsetType = UNSET
    # Only an application says that an address is verified, never a source; one that links accounts by verified addresses
    # must not take our silence for a yes.
    email_verified: bool = False
    phone_number: str | UnsetType = UNSET
    phone_region: str | UnsetType = UNSET
    phone_number_verified: bool = False
    description: str | UnsetType = UNSET


class GroupOfUser(Struct, rename="camel", frozen=True):
    """A group within a user's record."""

    group_id: str
    group_name: str
    description: str | UnsetType = UNSET


class UnitOfUser(Struct, rename="camel", frozen=True):
    """An organizational unit within a user's record."""

    organizational_unit_id: str
    organizational_unit_name: str
    primary: bool


class UserDetail(UserRecord, rename="camel", frozen=True, kw_only=True):
    """A user as GetUser shows it."""

    primary_organizational_unit_id: str | UnsetType = UNSET
    organizational_units: list[UnitOfUser] | UnsetType = UNSET
    groups: list[GroupOfUser] | UnsetType = UNSET
    custom_fields: list[CustomField]


class UnitOfFollowedUser(Struct, rename="camel", frozen=True):
    """An organizational unit within a user's record of the feed."""

    organizational_unit_id: str
    primary: bool


class FollowedUser(UserRecord, rename="camel", frozen=True, kw_only=True):
    """A user as /changes and /export show it: without what changes with no change of the user, the names of units, the groups
    and whether there is a local password. A reader that keeps it has what an export says, however long ago it was."""

    password_set: UnsetType = UNSET  # never in this record
    primary_organizational_unit_id: str | UnsetType = UNSET
    organizational_units: list[UnitOfFollowedUser] | UnsetType = UNSET
    custom_fields: list[CustomField]


class UnitRecord(Struct, rename="camel", frozen=True, kw_only=True):
    """An organizational unit. `parentId` is missing at the top of what the caller sees."""

    instance_id: str
    organizational_unit_id: str
    organizational_unit_name: str
    parent_id: str | UnsetType = UNSET
    organizational_unit_source_type: str
    organizational_unit_source_id: str
    organizational_unit_external_id: str
    create_time: int
    update_time: int
    description: str | UnsetType = UNSET


class GroupRecord(Struct, rename="camel", frozen=True, kw_only=True):
    """A group, without its members."""

    instance_id: str
    group_id: str
    group_name: str
    group_source_type: str
    group_source_id: str
    group_external_id: str
    create_time: int
    update_time: int
    description: str | UnsetType = UNSET


class Projector:
    """The projection for one caller: `instance_id` is shown in every record, of the attributes those that are `readable`."""

    def __init__(self, instance_id: str, readable: Readable) -> None:
        self._instance_id = instance_id
        self._readable = readable
        self.shows_members = readable(MEMBERS)

    def user(self, user: User, *, password_set: bool) -> UserRecord:
        """Project a user as ListUsers shows it. `password_set`: True when there is a local password."""
        return UserRecord(
            instance_id=self._instance_id,
            user_id=user.id,
            username=user.username,
            display_name=self._text(user, "display_name") or self._text(user, "common_name") or user.username,
            status="enabled" if user.enabled else "disabled",
            user_source_type=user.origin.source_type,
            user_source_id=user.origin.source_id,
            user_external_id=user.origin.external_id,
            create_time=milliseconds(user.created_at),
            update_time=milliseconds(user.updated_at),
            register_time=milliseconds(user.created_at),
            account_expire_time=self._time(user, "account_expires"),
            lock_expire_time=self._time(user, "locked_until"),
            password_set=password_set if self._readable(LOCAL_PASSWORD) else UNSET,
            email=self._text(user, "email"),
            email_verified=self._is_verified(user, "email", VERIFIED_EMAIL),
            phone_number=self._text(user, "phone_number"),
            phone_region=self._text(user, PHONE_REGION),
            phone_number_verified=self._is_verified(user, "phone_number", VERIFIED_PHONE_NUMBER),
            description=self._text(user, "description"),
        )

    def user_detail(self, scoped: ScopedUser) -> UserDetail:
        """Project a user as GetUser shows it: the first of its units is the primary."""
        units, groups = scoped.organizations, scoped.groups
        return UserDetail(
            **structs.asdict(self.user(scoped.user, password_set=scoped.password_set)),
            primary_organizational_unit_id=units[0].id if units else UNSET,
            organizational_units=UNSET if units is None else [UnitOfUser(u.id, u.name, u is units[0]) for u in units],
            groups=UNSET if groups is None else [GroupOfUser(g.id, g.name, self._text(g, "description")) for g in groups],
            custom_fields=self._custom_fields(scoped.user),
        )

    def followed_user(self, scoped: ScopedUser) -> FollowedUser:
        """Project a user as /changes and /export show it."""
        units = scoped.organizations
        record = structs.asdict(self.user(scoped.user, password_set=False)) | {"password_set": UNSET}
        return FollowedUser(
            **record,
            primary_organizational_unit_id=units[0].id if units else UNSET,
            organizational_units=UNSET if units is None else [UnitOfFollowedUser(u.id, u is units[0]) for u in units],
            custom_fields=self._custom_fields(scoped.user),
        )

    def unit(self, scoped: ScopedOrganization) -> UnitRecord:
        """Project an organization as an organizational unit."""
        unit = scoped.organization
        return UnitRecord(
            instance_id=self._instance_id,
            organizational_unit_id=unit.id,
            organizational_unit_name=unit.name,
            parent_id=scoped.parent_id or UNSET,
            organizational_unit_source_type=unit.origin.source_type,
            organizational_unit_source_id=unit.origin.source_id,
            organizational_unit_external_id=unit.origin.external_id,
            create_time=milliseconds(unit.created_at),
            update_time=milliseconds(unit.updated_at),
            description=self._text(unit, "description"),
        )

    def group(self, group: Group) -> GroupRecord:
        """Project a group."""
        return GroupRecord(
            instance_id=self._instance_id,
            group_id=group.id,
            group_name=group.name,
            group_source_type=group.origin.source_type,
            group_source_id=group.origin.source_id,
            group_external_id=group.origin.external_id,
            create_time=milliseconds(group.created_at),
            update_time=milliseconds(group.updated_at),
            description=self._text(group, "description"),
        )

    def _custom_fields(self, user: User) -> list[CustomField]:
        return [
            CustomField(name, value)
            for name, values in sorted(user.attributes.items())
            if name not in OWN_FIELDS and self._readable(name)
            for value in values
            if isinstance(value, str)
        ]

    def _time(self, user: User, name: str) -> int | UnsetType:
        """Return the time in an attribute, NEVER where it has none."""
        if not self._readable(name):
            return UNSET
        moment = moment_of(user.first(name))
        return NEVER if moment is None else milliseconds(moment)

    def _is_verified(self, user: User, name: str, verified: str) -> bool:
        """Return whether the main address is the one that its owner has confirmed."""
        return self._readable(name) and user.first(name) == user.first(verified) != ""

    def _text(self, item: User | Organization | Group, name: str) -> str | UnsetType:
        return (item.first(name) or UNSET) if self._readable(name) else UNSET


OWN_FIELDS = frozenset(
    {
        *("username", "display_name", "email", "phone_number", "description", "enabled", "account_expires", "locked_until"),
        *(VERIFIED_EMAIL, VERIFIED_PHONE_NUMBER, PHONE_REGION),
        *(PASSWORD_CHANGED, "user_account_control", "primary_group_id", "sam_account_type"),
    }
)
"""The attributes that a user's record has fields for, and those that are numbers of one kind of directory."""


def milliseconds(time: datetime) -> int:
    """Return UNIX milliseconds."""
    return round(time.timestamp() * 1000)
