"""The default mappings: the attributes in which directories usually keep users, organizations and groups."""

from collections.abc import Mapping
from typing import Final

from gateway.model.attributes import PASSWORD_CHANGED
from gateway.model.deltas import MEMBERS
from gateway.model.objects import Kind

ORGANIZATIONS: Final = "organizations"
PARENT: Final = "parent"

REFERENCES: Final[Mapping[Kind, frozenset[str]]] = {
    Kind.ORGANIZATION: frozenset({PARENT}),
    Kind.USER: frozenset({ORGANIZATIONS}),
    Kind.GROUP: frozenset({MEMBERS}),
}
"""The keys of a mapping whose values are references to other records, not attributes."""

LOGIN_ATTRIBUTES: Final = frozenset({"memberuid"})
"""Source attributes that refer by login name (RFC 2307); every other reference is a DN."""

DEFAULT_ATTRIBUTES: Final[Mapping[Kind, Mapping[str, tuple[str, ...]]]] = {
    # inetOrgPerson (RFC 2798), posixAccount (RFC 2307), ldapPublicKey
    Kind.USER: {
        "username": ("uid",),
        "display_name": ("displayName", "cn"),
        "common_name": ("cn",),
        "family_name": ("sn",),
        "given_name": ("givenName",),
        "initials": ("initials",),
        "email": ("mail",),
        "phone_number": ("telephoneNumber",),
        "mobile_number": ("mobile",),
        "title": ("title",),
        "description": ("description",),
        "employee_number": ("employeeNumber",),
        "employee_type": ("employeeType",),
        "department": ("departmentNumber",),
        "company": ("o",),
        "street": ("street",),
        "locality": ("l",),
        "state": ("st",),
        "postal_code": ("postalCode",),
        "preferred_language": ("preferredLanguage",),
        "manager": ("manager",),
        "secretary": ("secretary",),
        "see_also": ("seeAlso",),
        "business_category": ("businessCategory",),
        "room_number": ("roomNumber",),
        "office": ("physicalDeliveryOfficeName",),
        "home_phone": ("homePhone",),
        "pager_number": ("pager",),
        "fax_number": ("facsimileTelephoneNumber",),
        "postal_address": ("postalAddress",),
        "home_postal_address": ("homePostalAddress",),
        "post_office_box": ("postOfficeBox",),
        "car_license": ("carLicense",),
        "labeled_uri": ("labeledURI",),
        "audio": ("audio",),
        "smime_certificate": ("userSMIMECertificate",),
        "photo": ("jpegPhoto",),
        "certificate": ("userCertificate",),
        "ssh_public_key": ("sshPublicKey",),
        "uid_number": ("uidNumber",),
        "gid_number": ("gidNumber",),
        "home_directory": ("homeDirectory",),
        "login_shell": ("loginShell",),
        "gecos": ("gecos",),
        PASSWORD_CHANGED: ("pwdChangedTime", "pwdLastSet"),
    },
    # organizationalUnit, organization (RFC 4519)
    Kind.ORGANIZATION: {
        "name": ("ou", "o"),
        "description": ("description",),
        "phone_number": ("telephoneNumber",),
        "street": ("street",),
        "locality": ("l",),
        "state": ("st",),
        "postal_code": ("postalCode",),
        "business_category": ("businessCategory",),
        "office": ("physicalDeliveryOfficeName",),
        "fax_number": ("facsimileTelephoneNumber",),
        "postal_address": ("postalAddress",),
        "post_office_box": ("postOfficeBox",),
    },
    # groupOfNames, groupOfUniqueNames (RFC 4519), posixGroup (RFC 2307)
    Kind.GROUP: {
        "name": ("cn",),
        "description": ("description",),
        "email": ("mail",),
        "gid_number": ("gidNumber",),
        "owner": ("owner",),
        "see_also": ("seeAlso",),
        "business_category": ("businessCategory",),
        MEMBERS: ("member", "uniqueMember", "memberUid"),
    },
}
"""Our name → the source's names. An attribute takes the first that has values; a reference takes all of them together."""

ACTIVE_DIRECTORY_ATTRIBUTES: Final[Mapping[Kind, Mapping[str, tuple[str, ...]]]] = {
    # user ([MS-ADSC] §2.267); `enabled` is read from userAccountControl and accountExpires
    Kind.USER: {
        "username": ("sAMAccountName",),
        "user_principal_name": ("userPrincipalName",),
        "display_name": ("displayName", "cn"),
        "common_name": ("cn",),
        "family_name": ("sn",),
        "given_name": ("givenName",),
        "initials": ("initials",),
        "email": ("mail",),
        "phone_number": ("telephoneNumber",),
        "mobile_number": ("mobile",),
        "title": ("title",),
        "description": ("description",),
        "employee_number": ("employeeNumber", "employeeID"),
        "employee_type": ("employeeType",),
        "department": ("department",),
        "company": ("company",),
        "street": ("streetAddress",),
        "locality": ("l",),
        "state": ("st",),
        "postal_code": ("postalCode",),
        "country": ("c",),
        "preferred_language": ("preferredLanguage",),
        "manager": ("manager",),
        "secretary": ("secretary",),
        "office": ("physicalDeliveryOfficeName",),
        "home_phone": ("homePhone",),
        "pager_number": ("pager",),
        "fax_number": ("facsimileTelephoneNumber",),
        "post_office_box": ("postOfficeBox",),
        "photo": ("thumbnailPhoto", "jpegPhoto"),
        "certificate": ("userCertificate",),
        "uid_number": ("uidNumber",),
        "gid_number": ("gidNumber",),
        "home_directory": ("unixHomeDirectory",),
        "login_shell": ("loginShell",),
        "gecos": ("gecos",),
        PASSWORD_CHANGED: ("pwdLastSet",),
        "locked_out_at": ("lockoutTime",),
        "account_expires": ("accountExpires",),
        "user_account_control": ("userAccountControl",),
        "primary_group_id": ("primaryGroupID",),
        "sam_account_type": ("sAMAccountType",),
        "object_guid": ("objectGUID",),
        "object_sid": ("objectSid",),
    },
    Kind.ORGANIZATION: {
        "name": ("ou",),
        "description": ("description",),
        "phone_number": ("telephoneNumber",),
        "street": ("street",),
        "locality": ("l",),
        "state": ("st",),
        "postal_code": ("postalCode",),
    },
    Kind.GROUP: {
        "name": ("sAMAccountName", "cn"),
        "common_name": ("cn",),
        "description": ("description",),
        "email": ("mail",),
        "gid_number": ("gidNumber",),
        "group_type": ("groupType",),
        "sam_account_type": ("sAMAccountType",),
        "object_guid": ("objectGUID",),
        "object_sid": ("objectSid",),
        "owner": ("managedBy",),
        MEMBERS: ("member",),
    },
}
"""The default attributes of Active Directory, in the form of DEFAULT_ATTRIBUTES."""
