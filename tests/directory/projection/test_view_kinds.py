"""The entries of each kind of view, and the configuration's overrides."""

from collections.abc import Iterator, Mapping
from dataclasses import replace

import pytest

from gateway.directory.projection.attribute_rules import Rule, constant, first_of
from gateway.directory.projection.entry import Entry
from gateway.directory.projection.entry_kinds import PRIVATE_GROUP, private_group, private_group_id, private_group_owner
from gateway.directory.projection.projection import Projection
from gateway.directory.projection.view_definition import View
from gateway.directory.projection.view_kinds import KINDS, active_directory, custom, openldap, tree
from gateway.directory.projection.view_overrides import NOTHING, EntryOverrides, Posix, with_members, with_overrides, with_posix
from gateway.model.ldap import schema
from gateway.model.ldap.dn import DN
from gateway.model.mapping.inbound import default_mapping, map_entry
from gateway.model.objects import Kind, User
from tests.directory.projection.test_projection import RICH, classes, forbidden, missing, values
from tests.directory.view_shapes import SHAPES
from tests.directory.worlds import BASE, START, group, identifier, organization, user

DOMAIN = DN.parse("DC=corp,DC=example,DC=com")
WINDOWS = active_directory("ad", DOMAIN)
POSIX = user(3, "cy", uid_number=["1003"], gid_number=["1003"])


def shown(view: View, person: User = RICH) -> Entry:
    return Projection(view).user(person, ["Sales"])


@pytest.mark.parametrize("shape", SHAPES)
def test_in_every_view_entries_have_what_their_classes_require_nothing_they_forbid_and_their_own_name(shape: str) -> None:
    projection = Projection(SHAPES[shape])
    entries = [
        *(projection.user(one, ["Sales"]) for one in (RICH, POSIX, user(4, "dee"))),
        projection.user(RICH, [], unique=False),
        projection.group(group(1, "g", gid_number=["7"]), [b"cn=x"], [b"x"]),
        projection.group(group(2, "h"), (), ()),
        projection.organization(organization(1, "Sales", description=["d"], phone_number=["1"], street=["s"]), None),
        *projection.containers(START),
    ]
    own = private_group(POSIX)
    assert own is not None
    if SHAPES[shape].private_groups:
        entries.append(projection.private_group(own))
    for entry in entries:
        assert (missing(entry), forbidden(entry)) == (set(), set()), entry.dn
        named = {(schema.canonical(ava.type), ava.value.encode()) for ava in DN.parse(entry.dn).rdns[0].avas}
        found = (*entry.attributes, *entry.operational_values)
        assert named <= {(schema.canonical(name), value) for name, all_ in found for value in all_}, entry.dn
        assert DN.parse(entry.dn).key == entry.dn_key
        assert {name for name, _ in entry.attributes} <= SHAPES[shape].stored_attributes
        single = {name for name, all_ in found if len(all_) > 1 and schema.is_single_valued(schema.canonical(name))}
        assert single == set(), entry.dn
        assert classes(entry).count(dict(entry.operational_values)["structuralObjectClass"][0].decode()) == 1


def test_a_person_in_active_directory() -> None:
    entry = shown(WINDOWS)
    assert entry.dn == "CN=Anna A,CN=Users,DC=corp,DC=example,DC=com"
    assert classes(entry) == ["top", "person", "organizationalPerson", "user"]
    for name, value in {
        "CN": b"Anna A",
        "cn": b"Anna A",
        "name": b"Anna A",
        "sAMAccountName": b"anna",
        "userPrincipalName": b"anna@corp.example.com",
        "displayName": b"Anna",
        "distinguishedName": entry.dn.encode(),
        "objectCategory": b"CN=Person,CN=Schema,CN=Configuration,DC=corp,DC=example,DC=com",
        "objectGUID": bytes.fromhex("01000000000000408000000000000000"),
        "userAccountControl": b"512",
        "sAMAccountType": b"805306368",
        "primaryGroupID": b"513",
        "whenCreated": b"20260101120100.0Z",
        "whenChanged": b"20260101120100.0Z",
        "mail": b"anna@example.test",
        "unixHomeDirectory": b"/home/anna",
        "thumbnailPhoto": b"\xff\xd8\x00",
    }.items():
        assert [found for key, all_ in entry.attributes if key.lower() == name.lower() for found in all_] == [value], name


@pytest.mark.parametrize(
    ("login", "told", "shown_as"),
    [
        ("ccomma", ["carl@mail.example.test"], b"carl@mail.example.test"),
        ("ccomma", [], b"ccomma@corp.example.com"),
        ("c@b.test", [], b"c@b.test"),
        ("c@b.test", ["c@corp.example.com"], b"c@corp.example.com"),
    ],
)
def test_a_user_principal_name_is_what_the_source_tells_else_the_login_and_the_domain(
    login: str, told: list[str], shown_as: bytes
) -> None:
    assert values(shown(WINDOWS, user(7, login, user_principal_name=told)), "userPrincipalName") == [shown_as]


def test_without_a_domain_only_a_login_that_is_a_mail_address_is_a_user_principal_name() -> None:
    nowhere = active_directory("ad", DN.parse("o=corp"))
    assert values(shown(nowhere, user(7, "anna")), "userPrincipalName") == []
    assert values(shown(nowhere, user(7, "c@b.test")), "userPrincipalName") == [b"c@b.test"]


TOLD = {
    "user_account_control": ["66048"],
    "primary_group_id": ["1122"],
    "sam_account_type": ["805306369"],
    "account_expires": ["20260704120000.1234567Z"],
    "password_changed": ["134116992000000001"],
    "locked_out_at": ["20260101000000Z"],
}


@pytest.mark.parametrize(
    ("name", "told", "untold"),
    [
        ("userAccountControl", [b"66048"], [b"512"]),
        ("primaryGroupID", [b"1122"], [b"513"]),
        ("sAMAccountType", [b"805306369"], [b"805306368"]),
        ("accountExpires", [b"134276400001234567"], [b"9223372036854775807"]),
        ("pwdLastSet", [b"134116992000000001"], []),
        ("lockoutTime", [b"134116992000000000"], []),
    ],
)
def test_the_state_of_an_account_is_as_the_source_tells_and_else_the_default_of_active_directory(
    name: str, told: list[bytes], untold: list[bytes]
) -> None:
    assert values(shown(WINDOWS, user(7, "anna", **TOLD)), name) == told
    assert values(shown(WINDOWS, user(7, "anna")), name) == untold


@pytest.mark.parametrize(
    ("told", "enabled", "control"),
    [
        ("66048", False, b"66050"),
        ("66050", True, b"66048"),
        ("514", False, b"514"),
        ("nonsense", True, b"512"),
        ("9" * 30, False, b"514"),
    ],
)
def test_whether_an_account_is_disabled_is_decided_by_all_sources_and_the_other_flags_by_the_one_that_tells_them(
    told: str, enabled: bool, control: bytes
) -> None:
    person = replace(user(7, "anna", user_account_control=[told]), enabled=enabled)
    assert values(shown(WINDOWS, person), "userAccountControl") == [control]


def test_a_password_that_another_directory_dates_is_dated_in_ticks() -> None:
    assert values(shown(WINDOWS, user(7, "anna", password_changed=["20260101000000Z"])), "pwdLastSet") == [
        b"134116992000000000"
    ]


@pytest.mark.parametrize(
    ("told", "cn", "display_name"),
    [
        ({"common_name": ["Q1", "Q2"], "display_name": ["Q One"]}, b"Q1", b"Q One"),
        ({"common_name": ["Q1"]}, b"Q1", b"Q1"),
        ({"display_name": ["Q One"]}, b"Q One", b"Q One"),
        ({}, b"q", b"q"),
    ],
)
def test_a_person_is_named_by_the_common_name_and_the_display_name_is_another(
    told: dict[str, list[str]], cn: bytes, display_name: bytes
) -> None:
    entry = shown(WINDOWS, user(7, "q", **told))
    assert entry.dn.startswith(f"CN={cn.decode()},CN=Users")
    assert [values(entry, name) for name in ("cn", "name", "displayName")] == [[cn], [cn], [display_name]]


def test_a_group_is_named_by_its_cn_which_need_not_be_its_account_name() -> None:
    entry = Projection(WINDOWS).group(group(5, "sla-sh", common_name=["sla/sh (1)"]), (), ())
    assert entry.dn == "CN=sla/sh (1),OU=Groups,DC=corp,DC=example,DC=com"
    assert [values(entry, name) for name in ("cn", "name", "sAMAccountName")] == [[b"sla/sh (1)"], [b"sla/sh (1)"], [b"sla-sh"]]
    assert (
        Projection(openldap("o", DOMAIN))
        .group(group(5, "sla-sh", common_name=["sla/sh (1)"]), (), ())
        .dn.startswith("cn=sla-sh,")
    )


def test_a_distribution_group_is_shown_as_one() -> None:
    told = Projection(WINDOWS).group(group(5, "News", group_type=["2"], sam_account_type=["268435457"]), (), ())
    assert (values(told, "groupType"), values(told, "sAMAccountType")) == ([b"2"], [b"268435457"])


def test_active_directory_shows_that_an_account_is_disabled_and_the_identifiers_of_the_upstream() -> None:
    guid = bytes(range(16))
    known = replace(RICH, enabled=False, attributes={"object_guid": (guid,), "object_sid": ("S-1-5-21-1-2-3-1104",)})
    entry = shown(WINDOWS, known)
    assert (values(entry, "userAccountControl"), values(entry, "objectGUID")) == ([b"514"], [guid])
    assert values(entry, "objectSid") == [bytes.fromhex("01050000000000051500000001000000020000000300000050040000")]
    assert values(shown(WINDOWS), "objectSid") == []
    assert shown(openldap("o", DOMAIN), known) != shown(openldap("o", DOMAIN)), "openldap shows what there is"


def test_a_group_a_unit_and_the_containers_of_active_directory() -> None:
    projection = Projection(WINDOWS)
    staff = projection.group(group(5, "Staff"), [b"CN=Anna"], [b"anna"])
    assert staff.dn == "CN=Staff,OU=Groups,DC=corp,DC=example,DC=com"
    assert (classes(staff), values(staff, "member"), values(staff, "memberUid")) == (["top", "group"], [b"CN=Anna"], [])
    assert (values(staff, "groupType"), values(staff, "sAMAccountType")) == ([b"-2147483646"], [b"268435456"])
    assert values(staff, "sAMAccountName") == [b"Staff"]
    sales = projection.organization(organization(6, "Sales"), None)
    assert values(sales, "objectCategory")[0].startswith(b"CN=Organizational-Unit,")
    found = {entry.dn.removesuffix(str(DOMAIN)): classes(entry) for entry in projection.containers(START)}
    assert found == {
        "": ["top", "domain", "domainDNS"],
        "CN=Users,": ["top", "container"],
        "OU=Groups,": ["top", "organizationalUnit"],
        "OU=Organizations,": ["top", "organizationalUnit"],
    }


def test_in_the_tree_people_stand_below_an_organization_and_those_without_below_the_container() -> None:
    projection = Projection(tree("t", DN.parse(BASE)))
    sales = projection.organization(organization(1, "Sales"), None)
    assert sales.dn == f"ou=Sales,{BASE}"
    assert projection.user(RICH, ["Sales"], parent=(sales.dn, sales.dn_key)).dn == f"uid=anna,ou=Sales,{BASE}"
    assert projection.user(RICH, []).dn == f"uid=anna,ou=people,{BASE}"
    assert projection.group(group(1, "g"), (), ()).dn == f"cn=g,ou=groups,{BASE}"
    assert [entry.dn for entry in projection.containers(START)] == [BASE, f"ou=people,{BASE}", f"ou=groups,{BASE}"]


def test_a_custom_view_shows_names_and_classes_only() -> None:
    view = custom("c", DN.parse(BASE))
    projection = Projection(view)
    assert [name for name, _ in shown(view).attributes] == ["objectClass", "uid"]
    assert [name for name, _ in projection.group(group(1, "g", description=["d"]), [b"x"], ()).attributes] == [
        "objectClass",
        "cn",
        "member",
    ]
    assert [name for name, _ in projection.organization(organization(1, "o"), None).attributes] == ["objectClass", "ou"]


def test_rules_are_laid_over_the_kinds_own_whatever_their_spelling() -> None:
    rules = {"MAIL": Rule(template="{username}@{domain}"), "rfc822mailbox": NOTHING, "carLicense": constant("x"), "sn": NOTHING}
    view = with_overrides(openldap("o", DOMAIN), {Kind.USER: EntryOverrides(attributes=rules)})
    entry = shown(replace(view, domain="corp.example.com"))
    assert "sn" not in dict(entry.attributes) and values(entry, "carLicense") == [b"x"]
    assert not values(entry, "mail") and not values(entry, "MAIL"), "the later one took it away"
    view = with_overrides(openldap("o", DOMAIN), {Kind.USER: EntryOverrides(attributes={"commonName": first_of("username")})})
    assert values(shown(view), "commonName") == [b"anna"] and not values(shown(view), "cn")


def test_an_entry_is_named_by_any_attribute_and_by_the_login_where_that_has_no_value() -> None:
    view = with_overrides(openldap("o", DN.parse(BASE)), {Kind.USER: EntryOverrides(naming="mail", container=())})
    assert shown(view).dn == f"mail=anna@example.test,{BASE}"
    bare = shown(view, user(9, "zoe"))
    assert (bare.dn, values(bare, "mail")) == (f"mail=zoe,{BASE}", [b"zoe"])
    lower = with_overrides(
        openldap("o", DN.parse(BASE)), {Kind.USER: EntryOverrides(attributes={"uid": Rule(("username",), form="lower")})}
    )
    assert shown(lower, user(9, "ZOE")).dn == f"uid=zoe,ou=people,{BASE}"


def test_containers_may_stand_deep_and_come_with_all_that_is_above_them() -> None:
    view = with_overrides(
        openldap("o", DN.parse(BASE)), {Kind.USER: EntryOverrides(container=DN.parse("ou=staff,ou=people,ou=all").rdns)}
    )
    names = [entry.dn.removesuffix(f",{BASE}") for entry in Projection(view).containers(START)]
    assert names == [BASE, "ou=all", "ou=people,ou=all", "ou=staff,ou=people,ou=all", "ou=groups", "ou=organizations"]
    assert shown(view).dn == f"uid=anna,ou=staff,ou=people,ou=all,{BASE}"


@pytest.mark.parametrize(
    ("attributes", "listed", "object_classes"),
    [
        (("member",), {"member"}, ["top", "groupOfNames", "posixGroup"]),
        (("uniqueMember",), {"uniqueMember"}, ["top", "groupOfUniqueNames", "posixGroup"]),
        (("memberUid",), {"memberUid"}, ["top", "groupOfNames", "posixGroup"]),
        (
            ("member", "uniqueMember", "memberUid"),
            {"member", "uniqueMember", "memberUid"},
            ["top", "groupOfUniqueNames", "groupOfNames", "posixGroup"],
        ),
    ],
)
def test_groups_show_their_members_by_the_attributes_of_the_view(
    attributes: tuple[str, ...], listed: set[str], object_classes: list[str]
) -> None:
    projection = Projection(with_members(openldap("o", DOMAIN), attributes))
    entry = projection.group(group(1, "g", gid_number=["7"]), [b"uid=a"], [b"a"])
    assert ({name for name, _ in entry.attributes if "ember" in name}, classes(entry)) == (listed, object_classes)
    assert projection.lists_logins(group(1, "g", gid_number=["7"])) == ("memberUid" in listed)
    assert not projection.lists_logins(group(1, "g"))


def test_posix_accounts_get_a_home_and_a_shell_where_no_source_has_one() -> None:
    view = with_posix(openldap("o", DOMAIN), Posix(home="/home/{username}", shell="/bin/sh", shadow=True))
    entry = shown(view, POSIX)
    assert classes(entry)[-2:] == ["posixAccount", "shadowAccount"]
    assert (values(entry, "homeDirectory"), values(entry, "loginShell")) == ([b"/home/cy"], [b"/bin/sh"])
    assert (values(entry, "shadowMax"), values(entry, "shadowLastChange")) == ([b"99999"], [])
    told = shown(view, replace(POSIX, attributes={**POSIX.attributes, "home_directory": ("/h",), "shadow_max": ("9",)}))
    assert (values(told, "homeDirectory"), values(told, "shadowMax")) == ([b"/h"], [b"9"])
    nobody = shown(view, user(4, "dee"))
    assert not {"homeDirectory", "loginShell", "shadowMax"} & set(dict(nobody.attributes))


def test_a_private_group_is_of_people_whose_numbers_are_the_same() -> None:
    own = private_group(POSIX)
    assert own is not None
    entry = Projection(openldap("o", DN.parse(BASE))).private_group(own)
    assert (entry.kind, entry.dn, classes(entry)) == (
        PRIVATE_GROUP,
        f"cn=cy,ou=groups,{BASE}",
        ["top", "groupOfNames", "posixGroup"],
    )
    assert values(entry, "gidNumber") == [b"1003"]
    assert entry.object_id != POSIX.id and private_group_owner(entry.object_id) == POSIX.id
    assert len({private_group_id(identifier(number)) for number in range(50)}) == 50
    assert private_group(user(5, "eve", uid_number=["1"], gid_number=["100"])) is None
    assert private_group(user(5, "eve", uid_number=["1"])) is None


def test_the_fingerprint_changes_with_everything_that_is_laid_over() -> None:
    plain = openldap("o", DN.parse(BASE))
    others = [
        *(make("o", DN.parse(BASE), layout) for make, layout in KINDS.values()),
        openldap("o", DN.parse(BASE), "tree"),
        with_overrides(plain, {Kind.USER: EntryOverrides(naming="cn")}),
        with_overrides(plain, {Kind.USER: EntryOverrides(container=())}),
        with_overrides(plain, {Kind.USER: EntryOverrides(object_classes=("top", "person"))}),
        with_overrides(plain, {Kind.USER: EntryOverrides(attributes={"mail": NOTHING})}),
        with_overrides(plain, {Kind.GROUP: EntryOverrides(attributes={"description": constant("x")})}),
        with_overrides(plain, {Kind.USER: EntryOverrides(attributes={"mail": Rule(("email",), only_first=True)})}),
        with_members(plain, ("member",)),
        with_posix(plain, Posix(home="/home/{username}")),
        with_posix(plain, Posix(shadow=True)),
        with_posix(plain, Posix(private_groups=True)),
        replace(plain, organizations=("Europe",)),
        replace(plain, groups=("staff",)),
        replace(plain, domain="x.example"),
    ]
    assert len({one.fingerprint for one in others}) == len(others)
    same = [
        replace(plain, bind_names=frozenset({"login"})),
        replace(plain, netbios="X"),
        replace(plain, transitive_member_of=True),
    ]
    assert {one.fingerprint for one in same} == {plain.fingerprint}


SAMPLES: Mapping[str, tuple[bytes, bytes]] = {
    "1.3.6.1.4.1.1466.115.121.1.27": (b"1", b"2"),
    "1.3.6.1.4.1.1466.115.121.1.38": (b"2.5.4.3", b"2.5.4.4"),
    "1.3.6.1.4.1.1466.115.121.1.50": (b"+1 1", b"+1 2"),
}
"""By syntax (RFC 4517 §3.3): two values that are valid; any other takes text."""


def several() -> Iterator[tuple[Kind, str]]:
    """The attributes of the `openldap` view that may have several values, but those that refer to other entries or are named
    after the object."""
    for kind, rules in openldap("main", DN.parse("dc=x")).rules.items():
        for description, rule in rules.attributes.items():
            type_ = schema.ATTRIBUTE_TYPES[description.partition(";")[0].lower()]
            if not (type_.single_value or schema.holds_names(type_.name) or rule.names[0] in ("username", "name")):
                yield kind, description


@pytest.mark.parametrize(("kind", "description"), [one for one in several() if one[1] != "ou"])
def test_every_value_of_a_source_is_shown_where_the_schema_allows_several(kind: Kind, description: str) -> None:
    name = description.partition(";")[0]
    values = SAMPLES.get(schema.ATTRIBUTE_TYPES[name.lower()].syntax or "", (b"one", b"two"))
    naming = {Kind.USER: "uid", Kind.GROUP: "cn", Kind.ORGANIZATION: "ou"}[kind]
    delta = map_entry(default_mapping(kind), "hr", "1", f"{naming}=x,dc=x", [(naming, [b"x"]), (description, list(values))])
    assert openldap("main", DN.parse("dc=x")).rules[kind].attributes[description].values(delta.attributes, {}) == list(values)
