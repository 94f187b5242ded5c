"""The attributes that an application may read: its grant is written in LDAP's words, this is the translation.

The same grant holds on every face, so that what is hidden from an application over LDAP is not shown to it over HTTP."""

from collections.abc import Callable
from typing import TypeAlias

from gateway.model.applications import Application

Readable: TypeAlias = Callable[[str], bool]
"""Predicate over our attribute names: True for one that may be shown."""

LDAP_TYPES: dict[str, str] = {
    "display_name": "displayname",
    "common_name": "cn",
    "family_name": "sn",
    "given_name": "givenname",
    "email": "mail",
    "phone_number": "telephonenumber",
    "mobile_number": "mobile",
    "employee_number": "employeenumber",
    "employee_type": "employeetype",
    "department": "departmentnumber",
    "company": "o",
    "locality": "l",
    "state": "st",
    "postal_code": "postalcode",
    "country": "c",
    "preferred_language": "preferredlanguage",
    "photo": "jpegphoto",
    "certificate": "usercertificate",
    "ssh_public_key": "sshpublickey",
    "uid_number": "uidnumber",
    "gid_number": "gidnumber",
    "home_directory": "homedirectory",
    "login_shell": "loginshell",
}
"""Our name → LDAP attribute type, lower case, where they differ by more than case (RFC 4519, RFC 2798, RFC 2307)."""


def readable_by(application: Application) -> Readable:
    """Return the predicate of what `application` may read. Names and ids are no attributes: no answer could be made without."""
    granted = application.attributes
    if granted is None:
        return lambda _: True
    return lambda name: LDAP_TYPES.get(name, name) in granted
