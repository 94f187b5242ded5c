"""The gateway's own attribute names: between inbound mappings (source → ours) and the frontends (ours → theirs).

A mapping may use names that are not listed here: they are text and multi-valued, and reach the frontends as custom fields."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from gateway.model.objects import Kind, Value


@dataclass(frozen=True, slots=True)
class AttributeDefinition:
    """One attribute. `binary`: its values are bytes and are passed on untouched. `single`: only the first value of a source is
    kept."""

    name: str
    description: str
    single: bool = True
    binary: bool = False


def _by_name(*definitions: AttributeDefinition) -> dict[str, AttributeDefinition]:
    return {definition.name: definition for definition in definitions}


_D = AttributeDefinition

USER_PRINCIPAL_NAME: Final = "user_principal_name"
"""The attribute of a user by which they may log in beside the login name."""

PASSWORD_CHANGED: Final = "password_changed"  # noqa: S105 (a name)
"""The attribute of a user whose change means a new password."""

VERIFIED_EMAIL: Final = "verified_email"
VERIFIED_PHONE_NUMBER: Final = "verified_phone_number"
"""The attributes of a user that say which address was confirmed. They hold the address itself: with another main address the
confirmation counts no more, whoever changed it."""

PHONE_REGION: Final = "phone_region"

USER_ATTRIBUTES = _by_name(
    _D("username", "the login name; unique in the gateway, compared without regard to case"),
    _D(USER_PRINCIPAL_NAME, "the name in the form of a mail address by which Active Directory knows the user"),
    _D("display_name", "the name as people write it"),
    _D("common_name", "the name or names a person is known by", single=False),
    _D("family_name", "the family names", single=False),
    _D("given_name", "the given names", single=False),
    _D("initials", "the initials", single=False),
    _D("email", "the mail addresses, the main one first", single=False),
    _D("phone_number", "the telephone numbers, the main one first", single=False),
    _D(VERIFIED_EMAIL, "the mail address that its owner has confirmed"),
    _D(VERIFIED_PHONE_NUMBER, "the telephone number that its owner has confirmed"),
    _D(PHONE_REGION, "the country code of the main telephone number, without +"),
    _D("mobile_number", "the mobile numbers", single=False),
    _D("title", "the job titles", single=False),
    _D("description", "descriptions", single=False),
    _D("employee_number", "the number in the personnel system"),
    _D("employee_type", "the kind of employment", single=False),
    _D("department", "the department's name", single=False),
    _D("company", "the company's name", single=False),
    _D("street", "the street", single=False),
    _D("locality", "the town", single=False),
    _D("state", "the state or province", single=False),
    _D("postal_code", "the postal code", single=False),
    _D("country", "the country code"),
    _D("preferred_language", "the language to use"),
    _D("business_category", "the kinds of business", single=False),
    _D("room_number", "the rooms", single=False),
    _D("office", "the office", single=False),
    _D("home_phone", "the telephone numbers at home", single=False),
    _D("pager_number", "the pager numbers", single=False),
    _D("fax_number", "the fax numbers", single=False),
    _D("postal_address", "the postal addresses, lines between $", single=False),
    _D("home_postal_address", "the postal addresses at home, lines between $", single=False),
    _D("post_office_box", "the post office boxes", single=False),
    _D("car_license", "the licences or registration plates of cars", single=False),
    _D("labeled_uri", "addresses in the web, each with a label", single=False),
    _D("photo", "JPEG photos", single=False, binary=True),
    _D("audio", "a sound", single=False, binary=True),
    _D("smime_certificate", "certificates for mail, PKCS #7", single=False, binary=True),
    _D("certificate", "X.509 certificates, DER", single=False, binary=True),
    _D("ssh_public_key", "OpenSSH public keys", single=False),
    _D("uid_number", "the POSIX user number"),
    _D("gid_number", "the POSIX primary group number"),
    _D("home_directory", "the POSIX home directory"),
    _D("login_shell", "the POSIX shell"),
    _D("gecos", "the POSIX gecos field"),
    _D(PASSWORD_CHANGED, "when the password was changed, in the source's words"),
    _D("shadow_last_change", "the day of the last change of the password, counted from 1970"),
    _D("object_guid", "the objectGUID of Active Directory", binary=True),
    _D("object_sid", "the objectSid of Active Directory", binary=True),
    _D("account_expires", "when the account expires in Active Directory, a Generalized Time"),
    _D("locked_out_at", "when Active Directory locked the account, a Generalized Time"),
    _D("locked_until", "when the lock of Active Directory ends by itself, a Generalized Time"),
    _D("user_account_control", "the userAccountControl of Active Directory, a number"),
    _D("primary_group_id", "the primaryGroupID of Active Directory, a number"),
    _D("sam_account_type", "the sAMAccountType of Active Directory, a number"),
    _D("enabled", '"true" or "false": whether the account may log in; true when the source says nothing'),
)

ORGANIZATION_ATTRIBUTES = _by_name(
    _D("name", "the organization's name, unique below its parent"),
    _D("description", "descriptions", single=False),
    _D("phone_number", "the telephone numbers", single=False),
    _D("street", "the street", single=False),
    _D("locality", "the town", single=False),
    _D("state", "the state or province", single=False),
    _D("postal_code", "the postal code", single=False),
    _D("business_category", "the kinds of business", single=False),
    _D("office", "the office", single=False),
    _D("fax_number", "the fax numbers", single=False),
    _D("postal_address", "the postal addresses, lines between $", single=False),
    _D("post_office_box", "the post office boxes", single=False),
)

GROUP_ATTRIBUTES = _by_name(
    _D("name", "the group's name"),
    _D("common_name", "the name by which a directory shows the group, where that differs"),
    _D("description", "descriptions", single=False),
    _D("email", "the group's mail address"),
    _D("business_category", "the kinds of business", single=False),
    _D("gid_number", "the POSIX group number"),
    _D("group_type", "the groupType of Active Directory, a number"),
    _D("sam_account_type", "the sAMAccountType of Active Directory, a number"),
    _D("object_guid", "the objectGUID of Active Directory", binary=True),
    _D("object_sid", "the objectSid of Active Directory", binary=True),
)

ATTRIBUTES: dict[Kind, dict[str, AttributeDefinition]] = {
    Kind.USER: USER_ATTRIBUTES,
    Kind.ORGANIZATION: ORGANIZATION_ATTRIBUTES,
    Kind.GROUP: GROUP_ATTRIBUTES,
}

NAMING_ATTRIBUTE: dict[Kind, str] = {Kind.USER: "username", Kind.ORGANIZATION: "name", Kind.GROUP: "name"}
"""The attribute without which a record cannot become an object of its kind."""

_REFERENCE: Final = "ref:"


def reference_to(name: str) -> str:
    """Return the name under which an object keeps the ids of the objects that its attribute `name` refers to, where a source
    names them by their entries. No mapping can use such a name."""
    return _REFERENCE + name


def referring(name: str) -> str | None:
    """Return the attribute's own name, for a name that `reference_to` made; None for any other."""
    return name[len(_REFERENCE) :] if name.startswith(_REFERENCE) else None


HIDDEN: Final = "(not shown)"


def shown(name: str, values: Iterable[Value]) -> list[str]:
    """Return the values as administrators may read them: the size of binary ones, and HIDDEN for an attribute whose name
    suggests a secret."""
    if _is_secret(name):
        return [HIDDEN]
    return [value if isinstance(value, str) else f"({len(value)} bytes)" for value in values]


def _is_secret(name: str) -> bool:
    """Return True when the name of a custom field suggests that a password was mapped to it."""
    return name != PASSWORD_CHANGED and any(word in name for word in ("password", "secret", "passwd"))
