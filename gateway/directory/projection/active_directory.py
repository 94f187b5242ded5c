"""The entries of Active Directory ([MS-ADTS], [MS-ADA1..3]): their classes, attributes and fixed values.

Only tables; view_kinds.py makes a view of them."""

from collections.abc import Mapping
from datetime import datetime

from gateway.directory.projection.attribute_rules import Rule, constant, first_of
from gateway.model.ldap import times
from gateway.model.ldap.dn import DN

USER_CLASSES = ("top", "person", "organizationalPerson", "user")
GROUP_CLASSES = ("top", "group")
UNIT_CLASSES = ("top", "organizationalUnit")

PERSON, GROUP, UNIT, CONTAINER, DOMAIN = "Person", "Group", "Organizational-Unit", "Container", "Domain-DNS"
"""The names of the classSchema objects that objectCategory points to."""

GLOBAL_SECURITY_GROUP = "-2147483646"
"""groupType ([MS-ADTS] §2.2.12): GROUP_TYPE_ACCOUNT_GROUP | GROUP_TYPE_SECURITY_ENABLED, as a signed number."""

SAM_USER_OBJECT, SAM_GROUP_OBJECT = "805306368", "268435456"
"""sAMAccountType ([MS-SAMR] §2.2.1.9)."""

DOMAIN_USERS = "513"
"""primaryGroupID of people for whom no source tells another: the RID of the group that every user is in."""

WRITABLE = "4"
"""instanceType of an object in a domain that this server holds."""


_PERSON_NAME, _GROUP_NAME = ("common_name", "display_name", "username"), ("common_name", "name")
"""The attributes of ours that may name an entry: cn, name and the RDN are one; sAMAccountName is another."""

USN_COLUMNS: Mapping[str, str] = {"usncreated": "created", "usnchanged": "changed"}
"""Attribute (key) of an update sequence number ([MS-ADTS] §3.1.1.1.9) → the column of the view file that has it: the number of
a change of the log."""

KEPT_IN_TOMBSTONES = frozenset((b"objectClass", b"objectGUID", b"objectSid", b"sAMAccountName"))
"""The attributes that a deleted object keeps ([MS-ADTS] §3.1.1.5.5.1.1), beside its name."""

CONSTRUCTED = frozenset({"canonicalname", "primarygrouptoken", "tokengroups", *USN_COLUMNS})
"""The attributes (keys) that are worked out when they are asked for by name ([MS-ADTS] §3.1.1.4.5)."""


def category(name: str, base: DN) -> str:
    """Return the DN of a class, as objectCategory has it."""
    return f"CN={name},CN=Schema,CN=Configuration,{base}"


def time(moment: datetime) -> str:
    """Return a Generalized Time as Active Directory writes it."""
    return moment.strftime("%Y%m%d%H%M%S.0Z")


def _object(kind: str, base: DN, *name: str) -> dict[str, Rule]:
    """Return the rules that every object has."""
    return {
        "name": Rule(name, only_first=True),
        "distinguishedName": first_of("dn"),
        "objectCategory": constant(category(kind, base)),
        "objectGUID": Rule(("object_guid", "id"), form="guid"),
        "whenCreated": first_of("ad_created"),
        "whenChanged": first_of("ad_changed"),
        "instanceType": constant(WRITABLE),
    }


def user_attributes(base: DN) -> Mapping[str, Rule]:
    """Return the rules of a person (objectClass user, objectCategory person). Most attributes are single-valued there."""
    return {
        "cn": Rule(_PERSON_NAME, only_first=True),
        "sAMAccountName": first_of("username"),
        "userPrincipalName": first_of("user_principal_name", "principal"),
        "mail": Rule(("email",), only_first=True),
        "sn": Rule(("family_name", "display_name", "common_name", "username"), only_first=True),
        "givenName": Rule(("given_name",), only_first=True),
        "initials": Rule(("initials",), only_first=True),
        "displayName": Rule(("display_name", "common_name", "username"), only_first=True),
        "userAccountControl": first_of("account_control"),
        **_object(PERSON, base, *_PERSON_NAME),
        "objectSid": Rule(("object_sid",), form="sid"),
        "sAMAccountType": Rule(("sam_account_type",), constants=(SAM_USER_OBJECT,)),
        "primaryGroupID": Rule(("primary_group_id",), constants=(DOMAIN_USERS,)),
        "accountExpires": Rule(("account_expires",), constants=(str(times.NEVER),), form="filetime"),
        "pwdLastSet": Rule(("password_changed",), form="filetime"),
        "lockoutTime": Rule(("locked_out_at",), form="filetime"),
        "telephoneNumber": Rule(("phone_number",), only_first=True),
        "mobile": Rule(("mobile_number",), only_first=True),
        "title": Rule(("title",), only_first=True),
        "description": Rule(("description",), only_first=True),
        "department": Rule(("department",), only_first=True),
        "company": Rule(("company",), only_first=True),
        "employeeID": first_of("employee_number"),
        "employeeNumber": first_of("employee_number"),
        "employeeType": Rule(("employee_type",), only_first=True),
        "streetAddress": Rule(("street",), only_first=True),
        "l": Rule(("locality",), only_first=True),
        "st": Rule(("state",), only_first=True),
        "postalCode": Rule(("postal_code",), only_first=True),
        "c": first_of("country"),
        "preferredLanguage": first_of("preferred_language"),
        "manager": first_of("manager"),
        "secretary": first_of("secretary"),
        "physicalDeliveryOfficeName": Rule(("office",), only_first=True),
        "homePhone": Rule(("home_phone",), only_first=True),
        "pager": Rule(("pager_number",), only_first=True),
        "facsimileTelephoneNumber": Rule(("fax_number",), only_first=True),
        "postOfficeBox": first_of("post_office_box"),
        "uidNumber": first_of("uid_number"),
        "gidNumber": first_of("gid_number"),
        "unixHomeDirectory": first_of("home_directory"),
        "loginShell": first_of("login_shell"),
        "gecos": first_of("gecos"),
        "userCertificate": first_of("certificate"),
        "thumbnailPhoto": Rule(("photo",), only_first=True),
    }


def group_attributes(base: DN) -> Mapping[str, Rule]:
    """Return the rules of a group (objectClass and objectCategory group)."""
    return {
        "cn": first_of(*_GROUP_NAME),
        "sAMAccountName": first_of("name"),
        **_object(GROUP, base, *_GROUP_NAME),
        "objectSid": Rule(("object_sid",), form="sid"),
        "sAMAccountType": Rule(("sam_account_type",), constants=(SAM_GROUP_OBJECT,)),
        "groupType": Rule(("group_type",), constants=(GLOBAL_SECURITY_GROUP,)),
        "mail": first_of("email"),
        "description": Rule(("description",), only_first=True),
        "managedBy": first_of("owner"),
        "gidNumber": first_of("gid_number"),
    }


def unit_attributes(base: DN) -> Mapping[str, Rule]:
    """Return the rules of an organization (objectClass organizationalUnit)."""
    return {
        "ou": first_of("name"),
        **_object(UNIT, base, "name"),
        "description": Rule(("description",), only_first=True),
        "telephoneNumber": Rule(("phone_number",), only_first=True),
        "street": Rule(("street",), only_first=True),
        "l": Rule(("locality",), only_first=True),
        "st": Rule(("state",), only_first=True),
        "postalCode": Rule(("postal_code",), only_first=True),
    }
