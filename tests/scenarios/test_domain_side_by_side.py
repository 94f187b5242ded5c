"""The same questions to an Active Directory domain and to the view of kind `ad` of a gateway that reads it: the answers agree.

Names and places differ, as the view has its own tree: an entry is known by its sAMAccountName (or ou), a DN in a value by its
first RDN. DIFFERENT has what is known to differ, and why; a row that agrees all the same fails there."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import ldap
import ldap.controls
import ldap.dn
import pytest

from gateway.model.ldap import windows_identifiers
from tests.app.installation import until
from tests.connectors.active_directory_unit import ScratchUnit, new_scratch_unit
from tests.scenarios.office import TIMEOUT_SECONDS, Office
from tests.scenarios.test_domain_story import source_of
from tests.servers.pki import Pki
from tests.servers.samba import Samba

PASSWORD = "Secret-1"
VIEW = "DC=corp,DC=test"
AND, OR, CHAIN = (f"1.2.840.113556.1.4.{number}" for number in (803, 804, 1941))
SHOW_DELETED = ldap.controls.LDAPControl("1.2.840.113556.1.4.417", True)

NAMES = (
    "ann",
    "bob",
    "cleo",
    "dan",
    "eve",
    "fay",
    "gil",
    "staff",
    "everyone",
    "letter",
    "empty",
    "pam",
    "prim",
    "above",
    "sales",
    "europe",
)

Answer = dict[str, dict[str, list[bytes]]]


@dataclass(frozen=True)
class Side:
    """One of the two directories."""

    connection: Any
    base: str
    names: dict[str, str]

    def text(self, text: str) -> str:
        """Return a row's text with the names of this side in it: {ann} a login, {ann_dn} a DN."""
        for key, value in self.names.items():
            text = text.replace("{" + key + "}", value)
        return text

    def ask(self, text: str, attributes: list[str], base: str = "", scope: int = ldap.SCOPE_SUBTREE) -> Answer | int:
        """Return the answer as both sides can give it; the result code of an error."""
        wanted = [*attributes, "sAMAccountName", "ou"] if attributes else ["sAMAccountName", "ou"]
        try:
            found = self.connection.search_s(base or self.base, scope, self.text(text), wanted)
        except ldap.LDAPError as error:
            return int(error.args[0]["result"])
        entries = [values for name, values in found if name is not None]
        return {identity(values): portrait(values, attributes) for values in entries if identity(values)}


def identity(values: dict[str, list[bytes]]) -> str:
    """Return what an entry is known by; containers are each side's own."""
    name = (values.get("sAMAccountName") or values.get("ou") or [b""])[0].decode()
    return "" if name in ("Groups", "Organizations") or name.startswith("scratch") else name


def portrait(values: dict[str, list[bytes]], attributes: list[str]) -> dict[str, list[bytes]]:
    keys = {name.lower() for name in attributes}
    return {name.lower(): sorted(map(comparable, found)) for name, found in values.items() if name.lower() in keys}


def comparable(value: bytes) -> bytes:
    """Return the first RDN of a DN, which stands elsewhere in the view; any other value as it is."""
    try:
        parsed = ldap.dn.str2dn(value.decode()) if b",DC=" in value or b",dc=" in value else []
    except (UnicodeDecodeError, ldap.DECODING_ERROR):
        return value
    return parsed[0][0][1].lower().encode() if parsed else value


@pytest.fixture(scope="module")
def scratch(domain_controller: Samba) -> ScratchUnit:
    made = new_scratch_unit(domain_controller)
    made.add_unit("sales")
    made.add_unit("europe", "OU=sales")
    ann = made.add_user(
        "ann",
        "OU=sales",
        PASSWORD,
        givenName="Ann",
        sn="Müller",
        displayName="Ann Müller",
        mail="Ann@example.test",
        title="Chief (acting)",
        department="R&D",
        company="ACME",
        telephoneNumber="+49 30 1234-5",
        mobile="+49 170 1",
        description="first * person",
        employeeID="17",
        l="Berlin",
        st="BE",
        c="DE",
        postalCode="10115",
        streetAddress="Main Street 1",
        initials="AM",
        proxyAddresses=["SMTP:ann@example.test", "smtp:a.mueller@example.test"],
        userPrincipalName="ann.mueller@mail.example.test",
    )
    bob = made.add_user("bob", "OU=europe,OU=sales", PASSWORD, givenName="Bob", sn="Builder", manager=ann)
    cleo = made.add_user("cleo", "", PASSWORD, displayName="Cleo", sn="Doe", mail="cleo@example.test")
    made.add_user("dan", "OU=sales", sn="Doe", givenName="Dan", displayName="Dan Doe")
    made.add_user("eve", "", PASSWORD, accountExpires="132223104000000000", sn="Eve")
    made.add_user("fay", "", PASSWORD, sn="Fay", pwdLastSet="0")
    domain_controller.modify(made.add_user("gil", "", PASSWORD, sn="Gil"), {"userAccountControl": ["66048"]})
    staff = made.add_group("staff", ann, bob, description="all of us", mail="staff@example.test")
    made.add_group("everyone", staff, cleo)
    made.add_group("letter", ann, groupType="2")
    made.add_group("empty")
    pam = made.add_user("pam", "", PASSWORD, sn="Prime")
    prim = made.add_group("prim", pam, bob)
    made.add_group("above", prim)
    rid = windows_identifiers.relative_id(domain_controller.values(prim, "objectSid")[0])
    domain_controller.modify(pam, {"primaryGroupID": [str(rid)]})
    # Her old primary group lists her now; it is none of the source's.
    domain_controller.delete_values(domain_controller.dn("CN=Domain Users", "CN=Users"), {"member": [pam]})
    return made


@pytest.fixture(scope="module")
def sides(scratch: ScratchUnit, tmp_path_factory: pytest.TempPathFactory, pki: Pki) -> Iterator[tuple[Side, Side]]:
    """The domain, and the view of it."""
    folder = tmp_path_factory.mktemp("office")
    office = Office(folder)
    secret = folder / "corp.password"
    secret.touch(mode=0o600)
    secret.write_text(scratch.server.admin.password)
    office.configure(source_of(scratch, pki))
    office.file.write_text(f'{office.file.read_text()}[[view]]\nname = "ad"\nkind = "ad"\nbase_dn = "{VIEW}"\n')
    added = dict(office("application", "add", "portal", "--view", "ad", "--json").json)
    with office.serve() as serving:
        until(lambda: "view serves" in serving.log_text(), "the view serves")
        ours = connect(f"ldap://{serving.addresses['ldap']}", added["bind_dns"][0], added["secret"])
        theirs = connect(scratch.server.url, scratch.server.admin.dn, scratch.server.admin.password)
        try:
            wanted = f"(sAMAccountName={scratch.login('empty')})"
            until(lambda: ours.search_s(VIEW, ldap.SCOPE_SUBTREE, wanted, ["1.1"]), "the domain is read")
            yield (
                Side(theirs, scratch.dn, names_of(theirs, scratch.dn, scratch)),
                Side(ours, VIEW, names_of(ours, VIEW, scratch)),
            )
        finally:
            ours.unbind_s()
            theirs.unbind_s()


def connect(url: str, name: str, password: str) -> Any:
    connection = ldap.initialize(url)
    connection.set_option(ldap.OPT_TIMEOUT, TIMEOUT_SECONDS)
    connection.set_option(ldap.OPT_REFERRALS, 0)
    connection.simple_bind_s(name, password)
    return connection


def names_of(connection: Any, base: str, scratch: ScratchUnit) -> dict[str, str]:
    """Return the logins, DNs, GUIDs and SIDs of one side."""
    found = {}
    for name in NAMES:
        login = name if name in ("sales", "europe") else scratch.login(name)
        text = f"(|(sAMAccountName={login})(ou={login}))"
        [(dn, values), *_] = connection.search_s(base, ldap.SCOPE_SUBTREE, text, ["objectGUID", "objectSid"])
        found[name], found[f"{name}_dn"] = login, ldap.dn.dn2str(ldap.dn.str2dn(dn))
        found[f"{name}_guid"] = windows_identifiers.guid_text(values["objectGUID"][0])
        found[f"{name}_guid_octets"] = "".join(f"\\{octet:02x}" for octet in values["objectGUID"][0])
        if "objectSid" in values:
            found[f"{name}_rid"] = str(windows_identifiers.relative_id(values["objectSid"][0]))
            found[f"{name}_sid"] = sid_text(values["objectSid"][0])
            found[f"{name}_sid_octets"] = "".join(f"\\{octet:02x}" for octet in values["objectSid"][0])
    return found


def sid_text(octets: bytes) -> str:
    parts = (int.from_bytes(octets[place : place + 4], "little") for place in range(8, len(octets), 4))
    return "-".join(("S-1", str(int.from_bytes(octets[2:8], "big")), *map(str, parts)))


PERSON = "(&(objectCategory=person)(objectClass=user)"

FILTERS = [
    # by class and kind
    "(objectClass=user)",
    "(objectClass=person)",
    "(objectClass=organizationalPerson)",
    "(objectClass=top)",
    "(objectClass=group)",
    "(objectClass=organizationalUnit)",
    "(objectClass=computer)",
    "(objectClass=*)",
    "(objectCategory=person)",
    "(objectCategory=user)",
    "(objectCategory=group)",
    "(objectCategory=organizationalUnit)",
    f"{PERSON})",
    "(&(objectClass=user)(!(objectClass=computer)))",
    "(|(objectClass=user)(objectClass=group))",
    "(sAMAccountType=805306368)",
    "(sAMAccountType=268435456)",
    "(sAMAccountType=268435457)",
    # by name
    "(sAMAccountName={ann})",
    "(sAMAccountName=ANN*)",
    "(sAMAccountName=*nn*)",
    "(|(sAMAccountName={ann})(sAMAccountName={bob}))",
    "(cn={ann})",
    "(name={ann})",
    "(name={staff})",
    "(displayName=Ann Müller)",
    "(displayName=ann müller)",
    "(displayName=Ann*)",
    "(sn=Doe)",
    "(sn>=F)",
    "(givenName=B*)",
    "(givenName=*)",
    "(!(givenName=*))",
    "(initials=AM)",
    "(ou=sales)",
    "(ou=*)",
    "(userPrincipalName=ann.mueller@mail.example.test)",
    "(userPrincipalName=*)",
    f"{PERSON}(|(sAMAccountName={{cleo}})(userPrincipalName={{cleo}})(mail={{cleo}})))",
    # by other values
    "(mail=ann@example.test)",
    "(mail=ANN@EXAMPLE.TEST)",
    "(mail=*@example.test)",
    "(mail=*)",
    f"{PERSON}(mail=*))",
    "(proxyAddresses=smtp:a.mueller@example.test)",
    "(proxyAddresses=SMTP:*)",
    "(title=Chief \\28acting\\29)",
    "(description=first \\2a person)",
    "(department=R&D)",
    "(company=acme)",
    "(telephoneNumber=+49 30 1234-5)",
    "(mobile=*170*)",
    "(employeeID=17)",
    "(l=Berlin)",
    "(st=BE)",
    "(c=DE)",
    "(postalCode=10115)",
    "(streetAddress=Main Street 1)",
    "(manager={ann_dn})",
    "(distinguishedName={ann_dn})",
    "(nosuchattribute=x)",
    "(!(nosuchattribute=x))",
    "(|(nosuchattribute=x)(sAMAccountName={ann}))",
    # ambiguous names
    "(anr={ann})",
    "(anr=ann)",
    "(anr=ann mü)",
    "(anr=mü ann)",
    "(anr==ann)",
    "(anr=doe)",
    f"{PERSON}(anr=dan))",
    "(anr=nobody)",
    # by identifiers
    "(objectGUID={ann_guid_octets})",
    "(objectGUID={ann_guid})",
    "(objectSid={ann_sid_octets})",
    "(objectSid={ann_sid})",
    "(objectSid={staff_sid})",
    # accounts
    f"(userAccountControl:{AND}:=2)",
    f"(!(userAccountControl:{AND}:=2))",
    f"{PERSON}(!(userAccountControl:{AND}:=2)))",
    f"(userAccountControl:{OR}:=65538)",
    f"(userAccountControl:{AND}:=65536)",
    "(userAccountControl=512)",
    "(userAccountControl=514)",
    "(userAccountControl=66048)",
    "(userAccountControl>=514)",
    "(accountExpires=132223104000000000)",
    "(|(accountExpires=0)(accountExpires=9223372036854775807)(accountExpires>=200000000000000000))",
    "(pwdLastSet=0)",
    "(pwdLastSet>=1)",
    "(lockoutTime>=1)",
    "(primaryGroupID=513)",
    "(primaryGroupID=512)",
    "(|(memberOf={staff_dn})(primaryGroupID=513))",
    "(primaryGroupID={prim_rid})",
    "(memberOf={prim_dn})",
    "(|(memberOf={prim_dn})(primaryGroupID={prim_rid}))",
    "(member={pam_dn})",
    f"(member:{CHAIN}:={{pam_dn}})",
    f"(memberOf:{CHAIN}:={{above_dn}})",
    # groups
    "(member={ann_dn})",
    "(member={staff_dn})",
    "(memberOf={staff_dn})",
    "(memberOf={everyone_dn})",
    "(memberOf=*)",
    f"{PERSON}(!(memberOf=*)))",
    "(!(member=*))",
    "(&(objectClass=group)(!(member=*)))",
    f"(member:{CHAIN}:={{ann_dn}})",
    f"(memberOf:{CHAIN}:={{everyone_dn}})",
    f"{PERSON}(memberOf:{CHAIN}:={{everyone_dn}}))",
    f"(groupType:{AND}:=2147483648)",
    f"(!(groupType:{AND}:=2147483648))",
    "(groupType=2)",
    "(groupType=-2147483646)",
    # changes
    "(uSNChanged>=1)",
    "(uSNChanged>=99999999999)",
    "(uSNCreated>=1)",
    "(whenChanged>=20200101000000.0Z)",
    "(whenChanged<=20200101000000.0Z)",
    "(whenCreated>=20200101000000.0Z)",
    "(isDeleted=TRUE)",
    "(!(isDeleted=TRUE))",
    # programs: Nextcloud, GitLab
    "(&(|(objectclass=person))(|(|(memberof={prim_dn})(primaryGroupID={prim_rid}))))",
    "(&(&(|(objectclass=person)))(|(samaccountname={ann})(|(mailPrimaryAddress={ann})(mail=ann@example.test))))",
    "(&(objectClass=*)(sAMAccountName={ann}))",
    f"(&(memberOf:{CHAIN}:={{everyone_dn}})(objectClass=user))",
    # Jenkins, Jira, Grafana
    "(&(userPrincipalName=ann.mueller@mail.example.test)(objectCategory=user))",
    "(&(objectCategory=group)(|(cn={staff})(sAMAccountName={staff})))",
    "(|(objectSid={staff_sid_octets})(objectSid={everyone_sid_octets}))",
    "(&(objectCategory=Person)(sAMAccountName=*))",
    "(&(objectCategory=Group)(member={ann_dn}))",
    f"(&(objectCategory=Group)(member:{CHAIN}:={{ann_dn}}))",
    # Keycloak
    "(&(objectclass=person)(objectclass=organizationalPerson)(objectclass=user)(sAMAccountName={ann}))",
    "(&(cn=*)(objectclass=group))",
    "(&(|(whenCreated>=20200101000000.0Z)(whenChanged>=20200101000000.0Z))(objectclass=user))",
    "(|(createTimestamp>=20200101000000.0Z)(modifyTimestamp>=20200101000000.0Z))",
    # SSSD, adcli
    "(&(sAMAccountName={ann})(objectclass=user)(sAMAccountName=*)(objectSID=*))",
    "(&(objectSID={ann_sid})(objectclass=user)(sAMAccountName=*)(objectSID=*))",
    "(&(|(userPrincipalName={cleo}@x.test)(mail=cleo@example.test))(objectclass=user)(objectSID=*))",
    "(&(objectSID={prim_sid})(objectClass=group)(sAMAccountName=*))",
    f"(&(member={{ann_dn}})(objectClass=group)(groupType:{AND}:=2147483648)(sAMAccountName=*))",
    "(&(objectClass=user)(sAMAccountName=*)(objectSID=*)(uSNChanged>=1))",
    "(&(objectClass=computer)(sAMAccountName=HOST$))",
    # the object picker of Windows, programs on .NET
    f"(&(|(&(objectCategory=person)(objectSid=*)(!(samAccountType:{AND}:=3)))(&(objectCategory=person)(!(objectSid=*)))"
    f"(&(objectCategory=group)(groupType:{OR}:=14)))(|(name={{ann}}*)(displayName=Ann*)(samAccountName={{staff}}*)))",
    f"{PERSON}(!(primaryGroupID=514))(!(primaryGroupID={{prim_rid}})))",
    "(|(objectCategory=person)(objectCategory=computer)(objectCategory=group)(objectCategory=organizationalUnit))",
    "(&(objectClass=user)(badPwdCount>=1))",
    "(&(objectClass=group)(managedBy=*))",
    "(showInAddressBook=*)",
    # RFC 4526, nesting
    "(&)",
    "(|)",
    "(&(|(sn=Doe)(sn=Fay))(!(|(givenName=Dan)(title=x))))",
]

ATTRIBUTES = {
    "(sAMAccountName={ann})": "givenName sn displayName mail title department company telephoneNumber mobile description"
    " employeeID l st c postalCode streetAddress initials proxyAddresses userPrincipalName memberOf objectGUID objectSid"
    " objectClass objectCategory instanceType sAMAccountType userAccountControl accountExpires primaryGroupID"
    " pwdLastSet cn name",
    "(sAMAccountName={bob})": "memberOf manager givenName objectClass cn displayName userPrincipalName",
    "(sAMAccountName={cleo})": "memberOf mail displayName givenName cn;lang-en mail;x-no",
    "(sAMAccountName={dan})": "userAccountControl displayName memberOf objectClass",
    "(sAMAccountName={eve})": "accountExpires userAccountControl",
    "(sAMAccountName={fay})": "pwdLastSet userAccountControl",
    "(sAMAccountName={gil})": "userAccountControl lockoutTime",
    "(sAMAccountName={staff})": "member memberOf groupType sAMAccountType description mail objectSid objectGUID cn name"
    " objectClass objectCategory",
    "(sAMAccountName={everyone})": "member;range=0-*",
    "(sAMAccountName={letter})": "groupType sAMAccountType member",
    "(sAMAccountName={empty})": "member memberOf",
    "(sAMAccountName={pam})": "memberOf primaryGroupID",
    "(sAMAccountName={prim})": "member memberOf",
    "(ou=sales)": "ou name objectClass objectCategory objectGUID",
}

_NOT_KEPT = "the gateway's objects have no such attribute"
_EXPIRED = "an account that has expired is shown as disabled: programs that know no accountExpires must not let it in"
_PRINCIPAL = "who has no userPrincipalName binds as login@domain, so that is shown"

DIFFERENT: dict[str, str] = {
    "(proxyAddresses=smtp:a.mueller@example.test)": _NOT_KEPT,
    "(proxyAddresses=SMTP:*)": _NOT_KEPT,
    "(!(nosuchattribute=x))": "an unknown attribute is Undefined (RFC 4511 §4.5.1.7); Samba takes it for absent",
    "(userPrincipalName=*)": _PRINCIPAL,
    f"(userAccountControl:{AND}:=2)": _EXPIRED,
    f"(!(userAccountControl:{AND}:=2))": _EXPIRED,
    f"{PERSON}(!(userAccountControl:{AND}:=2)))": _EXPIRED,
    f"(userAccountControl:{OR}:=65538)": _EXPIRED,
    "(userAccountControl=512)": _EXPIRED,
    "(userAccountControl=514)": _EXPIRED,
    "(userAccountControl>=514)": _EXPIRED,
    "(sAMAccountName={ann}) proxyaddresses": _NOT_KEPT,
    "(sAMAccountName={bob}) userprincipalname": _PRINCIPAL,
    "(sAMAccountName={bob}) displayname": "programs that greet people by it get the login where there is none",
    "(sAMAccountName={eve}) useraccountcontrol": _EXPIRED,
    "(ou=sales) objectguid": "units have the gateway's own identity: several sources may have the same unit",
}
"""Row → why the two sides answer it differently."""


@pytest.mark.parametrize("text", FILTERS)
def test_a_filter_finds_the_same(sides: tuple[Side, Side], text: str) -> None:
    theirs, ours = (side.ask(text, []) for side in sides)
    assert (text in DIFFERENT) is (theirs != ours), f"{theirs}\n{ours}"


@pytest.mark.parametrize("text", ATTRIBUTES)
def test_an_entry_shows_the_same(sides: tuple[Side, Side], text: str) -> None:
    theirs, ours = (side.ask(text, ATTRIBUTES[text].split()) for side in sides)
    assert isinstance(theirs, dict) and isinstance(ours, dict)
    [told], [shown] = theirs.values(), ours.values()
    different = {f"{text} {name}" for name in told.keys() | shown.keys() if told.get(name) != shown.get(name)}
    assert different == {row for row in DIFFERENT if row.startswith(f"{text} ")}


ROOT_DSE = (
    "currentTime",
    "defaultNamingContext",
    "configurationNamingContext",
    "schemaNamingContext",
    "rootDomainNamingContext",
    "dnsHostName",
    "dsServiceName",
    "serverName",
    "ldapServiceName",
    "highestCommittedUSN",
    "domainFunctionality",
    "forestFunctionality",
    "domainControllerFunctionality",
    "supportedCapabilities",
    "supportedControl",
    "supportedLDAPVersion",
    "isSynchronized",
)


def root_dse(side: Side) -> dict[str, list[bytes]]:
    [(_, found)] = side.connection.search_s("", ldap.SCOPE_BASE, "(objectClass=*)", list(ROOT_DSE))
    return dict(found)


def test_the_root_dse_has_what_a_domain_controllers_has(sides: tuple[Side, Side]) -> None:
    theirs, ours = map(root_dse, sides)
    assert theirs.keys() == ours.keys() == set(ROOT_DSE)
    for name in ("domainFunctionality", "forestFunctionality", "domainControllerFunctionality", "isSynchronized"):
        assert theirs[name] == ours[name]
    signing = b"1.2.840.113556.1.4.1791"  # no SASL mechanism here signs; there is TLS
    assert set(theirs["supportedCapabilities"]) - set(ours["supportedCapabilities"]) == {signing}
    for side, found in zip(sides, (theirs, ours), strict=True):
        service = found["dsServiceName"][0].decode()
        [(_, entry)] = side.connection.search_s(service, ldap.SCOPE_BASE, "(objectClass=nTDSDSA)", ["invocationId"])
        assert len(entry["invocationId"][0]) == 16
        shown = side.connection.search_s(service.partition(",")[2], ldap.SCOPE_BASE, "(objectClass=server)", ["cn"])
        assert len(shown) == 1


BASES = ("<GUID={ann_guid}>", "<SID={ann_sid}>", "<GUID={sales_guid}>", "{ann_dn}", "CN=nobody,{ann_dn}", "<GUID=x>", "x")


@pytest.mark.parametrize("base", BASES)
def test_a_base_is_found_or_refused_alike(sides: tuple[Side, Side], base: str) -> None:
    theirs, ours = (side.ask("(objectClass=*)", [], side.text(base), ldap.SCOPE_BASE) for side in sides)
    assert theirs == ours


CONSTRUCTED = ("tokenGroups", "primaryGroupToken", "canonicalName", "uSNChanged", "uSNCreated")


@pytest.mark.parametrize(("name", "groups"), [("ann", 2), ("pam", 2), ("staff", 0)])
def test_what_is_worked_out_is_there_on_request_alone(sides: tuple[Side, Side], name: str, groups: int) -> None:
    found = []
    for side in sides:
        [(_, entry)] = side.connection.search_s(side.names[f"{name}_dn"], ldap.SCOPE_BASE, "(objectClass=*)", list(CONSTRUCTED))
        [(_, unasked)] = side.connection.search_s(side.names[f"{name}_dn"], ldap.SCOPE_BASE, "(objectClass=*)", ["*"])
        assert {"tokenGroups", "primaryGroupToken", "canonicalName"}.isdisjoint(unasked)
        found.append({key: sorted(values) for key, values in entry.items()})
    theirs, ours = found
    assert theirs.keys() - {"tokenGroups"} == ours.keys() - {"tokenGroups"}
    assert theirs.get("primaryGroupToken") == ours.get("primaryGroupToken")
    # The domain has other groups, which the source here does not read.
    assert set(ours.get("tokenGroups", [])) <= set(theirs.get("tokenGroups", []))
    known = {sides[0].names[f"{group}_sid"] for group in ("staff", "everyone", "letter", "empty", "prim", "above")}
    in_both = [known.intersection(map(sid_text, one.get("tokenGroups", []))) for one in found]
    assert in_both[0] == in_both[1]
    assert len(in_both[0]) == groups


def test_a_tombstone_has_the_same_identity_and_can_be_polled(sides: tuple[Side, Side], scratch: ScratchUnit) -> None:
    server, login = scratch.server, scratch.login("zoe")
    dn = scratch.add_user("zoe", sn="Zoe")
    guid = server.values(dn, "objectGUID")
    wanted = f"(sAMAccountName={login})"
    until(lambda: sides[1].ask(wanted, []), "the person is read")
    before = [int(root_dse(side)["highestCommittedUSN"][0]) for side in sides]
    server.delete(dn)
    until(lambda: not sides[1].ask(wanted, []), "the person is gone")
    for side, last in zip(sides, before, strict=True):
        base = root_dse(side)["defaultNamingContext"][0].decode()
        text = f"(&(isDeleted=TRUE)(objectClass=user)(uSNChanged>={last + 1}))"
        found = side.connection.search_ext_s(
            f"CN=Deleted Objects,{base}", ldap.SCOPE_SUBTREE, text, ["objectGUID", "sAMAccountName"], 0, [SHOW_DELETED]
        )
        assert [entry for _, entry in found] == [{"objectGUID": guid, "sAMAccountName": [login.encode()]}]
        assert found[0][0].startswith(f"CN={login}\\0ADEL:")


@pytest.mark.parametrize("form", [0, 1])
def test_names_are_extended_in_the_same_form(sides: tuple[Side, Side], form: int) -> None:
    control = ldap.controls.LDAPControl("1.2.840.113556.1.4.529", True, bytes((0x30, 3, 2, 1, form)))
    found = []
    for side in sides:
        [(name, entry)] = side.connection.search_ext_s(
            side.names["staff_dn"], ldap.SCOPE_BASE, "(objectClass=*)", ["member"], 0, [control]
        )
        found.append(sorted(one.rpartition(";")[0].lower() for one in (name, *map(bytes.decode, entry["member"]))))
    assert found[0] == found[1]
    assert all(one.startswith("<guid=") and "<sid=" in one for one in found[0])
