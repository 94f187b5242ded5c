"""The schema is whole, and its standard classes are those of the standards."""

from __future__ import annotations

import re

import pytest

from gateway.model.ldap import schema, schema_definitions

TABLES = ("ATTRIBUTE_TYPES", "OBJECT_CLASSES", "SYNTAXES", "MATCHING_RULES")
ALL = {name: [line for line in getattr(schema_definitions, name).split("\n") if line] for name in TABLES}
POSTAL = """x121Address registeredAddress destinationIndicator preferredDeliveryMethod telexNumber teletexTerminalIdentifier
    telephoneNumber internationaliSDNNumber facsimileTelephoneNumber street postOfficeBox postalCode postalAddress
    physicalDeliveryOfficeName st l"""
STANDARD = {
    # RFC 4519 §3; but that groups may be empty
    "organization": ("o", f"userPassword searchGuide seeAlso businessCategory description {POSTAL}"),
    "organizationalUnit": ("ou", f"userPassword searchGuide seeAlso businessCategory description {POSTAL}"),
    "organizationalPerson": ("", f"title ou {POSTAL}"),
    "organizationalRole": ("cn", f"seeAlso roleOccupant ou description {POSTAL}"),
    "person": ("sn cn", "userPassword telephoneNumber seeAlso description"),
    "groupOfNames": ("cn", "member businessCategory seeAlso owner ou o description"),
    "groupOfUniqueNames": ("cn", "uniqueMember businessCategory seeAlso owner ou o description"),
    # RFC 2798 §3
    "inetOrgPerson": (
        "",
        """audio businessCategory carLicense departmentNumber displayName employeeNumber employeeType givenName homePhone
        homePostalAddress initials jpegPhoto labeledURI mail manager mobile o pager photo roomNumber secretary uid
        userCertificate x500UniqueIdentifier preferredLanguage userSMIMECertificate userPKCS12""",
    ),
}


def names(text: str) -> set[str]:
    return {schema.canonical(name) for name in text.split()}


@pytest.mark.parametrize("name", STANDARD)
def test_a_class_requires_and_allows_what_the_standard_says(name: str) -> None:
    must, may = STANDARD[name]
    known = schema.OBJECT_CLASSES[name.lower()]
    assert {schema.canonical(one) for one in known.must} == names(must)
    assert {schema.canonical(one) for one in known.may} >= names(may)


def test_every_attribute_that_a_class_names_is_defined() -> None:
    of_classes = {one.lower() for known in schema.OBJECT_CLASSES.values() for one in (*known.must, *known.may)}
    assert not of_classes - schema.ATTRIBUTE_TYPES.keys()


def test_every_syntax_and_matching_rule_that_is_named_is_listed() -> None:
    syntaxes = {line.split()[1] for line in ALL["SYNTAXES"]}
    rules = set(re.findall(r"NAME '(\w+)'", "\n".join(ALL["MATCHING_RULES"])))
    for line in (*ALL["ATTRIBUTE_TYPES"], *ALL["MATCHING_RULES"]):
        assert set(re.findall(r"SYNTAX ([\d.]+)", line)) <= syntaxes, line
        assert set(re.findall(r"(?:EQUALITY|ORDERING|SUBSTR) (\w+)", line)) <= rules, line


def test_each_definition_has_an_oid_of_its_own_that_fits_into_clients() -> None:
    oids = [line.split()[1] for lines in ALL.values() for line in lines]
    assert len(set(oids)) == len(oids)
    assert all(int(arc) < 2**31 for oid in oids for arc in oid.split("."))  # as UnboundID's validator takes them
