"""Objects as LDAP entries in the `openldap` view: attributes that every entry has, and conditional ones."""

from dataclasses import replace

import pytest

from gateway.directory.projection import view_definition
from gateway.directory.projection.entry import Entry
from gateway.directory.projection.projection import Projection, timestamp
from gateway.model.ldap import schema
from gateway.model.ldap.dn import DN
from gateway.model.objects import Kind
from gateway.wire import entries
from tests.directory.worlds import BASE, START, group, identifier, moment, openldap_view, organization, user

PROJECTION = Projection(openldap_view())


def values(entry: Entry, attribute: str) -> list[bytes]:
    return [value for name, found in entry.attributes if name == attribute for value in found]


def classes(entry: Entry) -> list[str]:
    return [value.decode() for value in values(entry, "objectClass")]


def missing(entry: Entry) -> set[str]:
    """The attributes that its object classes require (RFC 4512 §2.4) and that it does not have."""
    known = [schema.OBJECT_CLASSES[name.lower()] for name in classes(entry)]
    required = {schema.canonical(attribute) for one in known for attribute in one.must}
    return required - {schema.canonical(name.partition(";")[0]) for name, found in entry.attributes if found}


def forbidden(entry: Entry) -> set[str]:
    """The attributes that its object classes do not allow."""
    if "extensibleObject" in classes(entry):
        return set()
    known = [schema.OBJECT_CLASSES[name.lower()] for name in classes(entry)]
    allowed = {schema.canonical(attribute) for one in known for attribute in (*one.must, *one.may)}
    return {schema.canonical(name.partition(";")[0]) for name, _ in entry.attributes} - allowed


RICH = user(
    1,
    "anna",
    common_name=["Anna A", "Anna B"],
    family_name=["A"],
    display_name=["Anna"],
    given_name=["Anna"],
    initials=["AA"],
    email=["anna@example.test", "Anna@Example.Test", "a@example.test"],
    phone_number=["+1 2"],
    mobile_number=["+1 3"],
    title=["Dr"],
    description=["d"],
    employee_number=["7"],
    employee_type=["intern"],
    department=["R&D"],
    company=["ACME"],
    street=["S"],
    locality=["L"],
    state=["ST"],
    postal_code=["1"],
    preferred_language=["en"],
    uid_number=["1000"],
    gid_number=["1000"],
    home_directory=["/home/anna"],
    login_shell=["/bin/sh"],
    gecos=["Anna"],
    ssh_public_key=["ssh-ed25519 AAAA"],
    certificate=[b"\x30\x03abc"],
    photo=[b"\xff\xd8\x00"],
    custom=["not shown by this shape"],
)


@pytest.mark.parametrize(
    "entry",
    [
        PROJECTION.user(user(1, "anna"), ()),
        PROJECTION.user(RICH, ["Sales"]),
        PROJECTION.user(user(1, "anna", display_name=["Anna"]), (), unique=False),
        PROJECTION.user(user(1, "anna", uid_number=["7"]), ()),
        PROJECTION.group(group(1, "staff"), (), ()),
        PROJECTION.group(group(1, "staff", gid_number=["7"]), [b"uid=anna,ou=people"], [b"anna"]),
        PROJECTION.organization(organization(1, "Sales", description=["d"], phone_number=["1"], street=["s"]), None),
        *(
            container
            for base in ("dc=example", "o=ACME", "ou=unit", "c=DE", "cn=x", "dc=a+o=b")
            for container in Projection(openldap_view(base=base)).containers(START)
        ),
    ],
    ids=lambda entry: entry.dn,
)
def test_an_entry_has_what_its_object_classes_require_nothing_they_forbid_and_its_own_name(entry: Entry) -> None:
    assert missing(entry) == set()
    assert forbidden(entry) == set()
    named = {(schema.canonical(ava.type), ava.value.encode()) for ava in DN.parse(entry.dn).rdns[0].avas}
    attributes = (*entry.attributes, *entry.operational_values)
    assert named <= {(schema.canonical(name), value) for name, found in attributes for value in found}
    assert DN.parse(entry.dn).key == entry.dn_key
    structural = dict(entry.operational_values)["structuralObjectClass"][0].decode()
    assert schema.OBJECT_CLASSES[structural.lower()].kind == "STRUCTURAL"
    assert structural in classes(entry)


def test_a_user_shows_each_value_once_and_binary_ones_untouched() -> None:
    entry = PROJECTION.user(RICH, ["Sales", "sales", "Research"])
    assert entry.attributes[1] == ("uid", [b"anna"]), "the naming attribute comes first"
    assert values(entry, "mail") == [b"anna@example.test", b"a@example.test"]
    assert values(entry, "ou") == [b"Sales", b"Research"]
    assert values(entry, "userCertificate;binary") == [b"\x30\x03abc"]
    assert values(entry, "jpegPhoto") == [b"\xff\xd8\x00"]
    assert classes(entry)[-2:] == ["posixAccount", "ldapPublicKey"]
    assert "custom" not in dict(entry.attributes)


def test_names_fall_back_to_other_attributes() -> None:
    bare, shown = PROJECTION.user(user(1, "anna"), ()), PROJECTION.user(user(1, "anna", display_name=["Anna A"]), ())
    assert (values(bare, "cn"), values(bare, "sn")) == ([b"anna"], [b"anna"])
    assert (values(shown, "cn"), values(shown, "sn")) == ([b"Anna A"], [b"Anna A"])


def test_a_user_is_a_posix_account_only_with_all_that_one_needs() -> None:
    incomplete = replace(RICH, attributes={name: v for name, v in RICH.attributes.items() if name != "home_directory"})
    entry = PROJECTION.user(incomplete, ())
    assert "posixAccount" not in classes(entry)
    assert values(entry, "uidNumber") == []


def test_members_by_login_are_shown_on_posix_groups_only() -> None:
    plain = PROJECTION.group(group(1, "staff"), [b"uid=anna"], [b"anna"])
    posix = PROJECTION.group(group(1, "staff", gid_number=["7"]), [b"uid=anna"], [b"anna"])
    assert (classes(plain), values(plain, "memberUid")) == (["top", "groupOfNames"], [])
    assert (classes(posix), values(posix, "memberUid")) == (["top", "groupOfNames", "posixGroup"], [b"anna"])


def test_a_name_that_an_older_object_has_is_made_unique_by_the_id() -> None:
    entry = PROJECTION.group(group(1, "a,b"), (), (), unique=False)
    assert entry.dn == f"cn=a\\,b+entryUUID={identifier(1)},ou=groups,{BASE}"
    assert PROJECTION.plain_key(Kind.GROUP, "A,B") == PROJECTION.group(group(2, "a,b"), (), ()).dn_key


def test_the_operational_attributes_have_id_times_and_name() -> None:
    entry = PROJECTION.user(replace(user(1, "anna"), updated_at=moment(5)), ())
    assert dict(entry.operational_values) == {
        "structuralObjectClass": [b"inetOrgPerson"],
        "entryUUID": [identifier(1).encode()],
        "createTimestamp": [b"20260101120100Z"],
        "modifyTimestamp": [b"20260101120500Z"],
        "entryDN": [f"uid=anna,ou=people,{BASE}".encode()],
        "subschemaSubentry": [b"cn=Subschema"],
    }
    assert timestamp(START) == b"20260101120000Z"


def test_the_encoded_entry_has_the_attributes_of_the_entry() -> None:
    entry = PROJECTION.user(RICH, ["Sales"])
    name, attributes = entries.decode_entry(entry.encoded)
    assert name == entry.dn.encode()
    assert attributes == {description.encode(): list(found) for description, found in entry.attributes}


def test_every_stored_attribute_is_announced_by_the_view() -> None:
    view = openldap_view()
    shown = [PROJECTION.user(RICH, ["Sales"]), PROJECTION.group(group(1, "g", gid_number=["7"]), [b"x"], [b"x"])]
    shown += [*PROJECTION.containers(START), *Projection(openldap_view(base="c=DE")).containers(START)]
    stored = view.stored_attributes | openldap_view(base="c=DE").stored_attributes
    assert {name for entry in shown for name, _ in entry.attributes} <= stored


def test_the_fingerprint_changes_with_anything_that_changes_entries(monkeypatch: pytest.MonkeyPatch) -> None:
    view = openldap_view()
    rules = {**view.rules, Kind.USER: replace(view.rules[Kind.USER], naming="cn")}
    others = [
        openldap_view(base="dc=other"),
        openldap_view(base=BASE.upper()),
        replace(view, rules=rules),
        replace(view, indexed_substrings=("cn",)),
    ]
    assert len({view.fingerprint, *(other.fingerprint for other in others)}) == 5
    assert openldap_view("another name").fingerprint == view.fingerprint
    before = view.fingerprint
    monkeypatch.setattr(view_definition, "FORMAT", view_definition.FORMAT + 1)
    assert view.fingerprint != before
