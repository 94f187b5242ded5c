"""The attributes that an application may read: its grant is written in LDAP's words, this is the translation.

The same grant holds on every face, so that what is hidden from an application over LDAP is neither shown to it over HTTP nor
found by it: an entry's attribute, and the facts that LDAP shows as one (the groups a user is in, a group's members)."""

from collections.abc import Callable, Mapping
from typing import Final, TypeAlias

from gateway.directory.access import granted_attributes
from gateway.model.applications import Application
from gateway.model.attributes import PASSWORD_CHANGED, PHONE_REGION, VERIFIED_EMAIL, VERIFIED_PHONE_NUMBER
from gateway.model.errors import NotGranted

Readable: TypeAlias = Callable[[str], bool]
"""Predicate over our attribute names, and GROUPS, MEMBERS, ORGANIZATIONS and LOCAL_PASSWORD: True for one that may be shown."""

GROUPS: Final = "groups of a user"
MEMBERS: Final = "members of a group"
ORGANIZATIONS: Final = "organizations of a user"
LOCAL_PASSWORD: Final = "local password of a user"  # noqa: S105 (the name of a fact)
"""The fact that there is one; the password itself is shown nowhere."""

LDAP_TYPES: Mapping[str, tuple[str, ...]] = {
    GROUPS: ("memberof",),
    MEMBERS: ("member", "uniquemember", "memberuid"),
    ORGANIZATIONS: ("ou",),
    LOCAL_PASSWORD: ("userpassword",),
    "user_principal_name": ("userprincipalname",),
    "display_name": ("displayname",),
    "common_name": ("cn",),
    "family_name": ("sn",),
    "given_name": ("givenname",),
    "email": ("mail",),
    "phone_number": ("telephonenumber",),
    VERIFIED_EMAIL: ("mail",),
    VERIFIED_PHONE_NUMBER: ("telephonenumber",),
    PHONE_REGION: ("telephonenumber",),
    "mobile_number": ("mobile",),
    "employee_number": ("employeenumber", "employeeid"),
    "employee_type": ("employeetype",),
    "department": ("departmentnumber", "department"),
    "company": ("o", "company"),
    "street": ("street", "streetaddress"),
    "locality": ("l",),
    "state": ("st",),
    "postal_code": ("postalcode",),
    "country": ("c",),
    "preferred_language": ("preferredlanguage",),
    "business_category": ("businesscategory",),
    "room_number": ("roomnumber",),
    "office": ("physicaldeliveryofficename",),
    "home_phone": ("homephone",),
    "pager_number": ("pager",),
    "fax_number": ("facsimiletelephonenumber",),
    "postal_address": ("postaladdress",),
    "home_postal_address": ("homepostaladdress",),
    "post_office_box": ("postofficebox",),
    "car_license": ("carlicense",),
    "labeled_uri": ("labeleduri",),
    "smime_certificate": ("usersmimecertificate",),
    "see_also": ("seealso",),
    "photo": ("jpegphoto", "thumbnailphoto"),
    "certificate": ("usercertificate",),
    "ssh_public_key": ("sshpublickey",),
    "uid_number": ("uidnumber",),
    "gid_number": ("gidnumber",),
    "home_directory": ("homedirectory", "unixhomedirectory"),
    "login_shell": ("loginshell",),
    "shadow_last_change": ("shadowlastchange",),
    "object_guid": ("objectguid",),
    "object_sid": ("objectsid",),
    PASSWORD_CHANGED: ("pwdlastset",),
    "account_expires": ("accountexpires",),
    "locked_out_at": ("lockouttime",),
    "locked_until": ("lockouttime",),
    "user_account_control": ("useraccountcontrol",),
    "primary_group_id": ("primarygroupid",),
    "sam_account_type": ("samaccounttype",),
    "group_type": ("grouptype",),
}
"""Our name → the LDAP attribute types that show it (keys, the commonest first), where they differ by more than case (RFC 4519,
RFC 2798, RFC 2307, [MS-ADA1..3])."""


def readable_by(application: Application) -> Readable:
    """Return the predicate of what `application` may read. Names and ids are no attributes: no answer could be made without."""
    granted = granted_attributes(application)
    if granted is None:
        return lambda _: True
    return lambda name: not granted.isdisjoint(_types_of(name))


def require(readable: Readable, name: str) -> None:
    """Raise NotGranted unless the application may read this, so that it may not ask about it either."""
    if not readable(name):
        attribute = _types_of(name)[0]
        raise NotGranted(
            f"This asks about {name.replace('_', ' ')}, and the application may not read the attribute {attribute}: "
            f"an administrator can grant it (gateway application set … --attribute {attribute})."
        )


def _types_of(name: str) -> tuple[str, ...]:
    return LDAP_TYPES.get(name, (name,))
