"""The root DSE and cn=Subschema, as the libraries that depend on them read them."""

import ldap
import ldap.schema
import pytest

from gateway import __version__
from gateway.directory.projection.projection import Projection
from gateway.directory.projection.view_kinds import openldap
from gateway.model.ldap import schema
from gateway.model.ldap.dn import DN
from gateway.wire import filters, oids
from gateway.wire.controls import Assertion as AssertionControl
from gateway.wire.controls import (
    ChangeTypes,
    ListPosition,
    ListRequest,
    MatchedValues,
    PersistentSearch,
    SortKey,
    SortRequest,
    SyncMode,
    SyncRequest,
)
from gateway.wire.extended_values import CancelRequest
from gateway.wire.filters import Present
from gateway.wire.messages import BindResponse, CompareRequest, CompareResponse, Control, ExtendedRequest, SearchRequest
from gateway.wire.result_codes import ResultCode
from tests.frontends.ldap.client_programs import ANONYMOUS, libldap, pure, tool
from tests.frontends.ldap.company import BASE, BEGAN
from tests.frontends.ldap.serving import Serving, blocking
from tests.frontends.ldap.wire_client import bind_request, connected, search_request

DEFINED = ("attributeTypes", "objectClasses", "ldapSyntaxes", "matchingRules")


@pytest.mark.parametrize("base", ["", " ", "   "])
@pytest.mark.parametrize("text", ["(objectClass=*)", "(objectclass=*)", "(OBJECTCLASS=top)", "(&(objectClass=*)(!(cn=*)))"])
@blocking
def test_the_root_dse_is_found_however_it_is_spelled(serving: Serving, base: str, text: str) -> None:
    with connected(serving) as client:
        (entry,), _ = client.search(search_request(base, text, 0, ("+",)))
    assert entry.object_name == ""
    shown = {attribute.type: attribute.values for attribute in entry.attributes}
    assert shown["namingContexts"] == (BASE.encode(),)
    assert shown["supportedLDAPVersion"] == (b"3",)
    assert shown["vendorVersion"] == (__version__.encode(),)
    assert shown["subschemaSubentry"] == (b"cn=Subschema",)


@pytest.mark.parametrize(
    ("attributes", "expected"),
    [
        ((), {"objectClass"}),
        (("*",), {"objectClass"}),
        (("supportedLdapVersion",), {"supportedLDAPVersion"}),
        (("NAMINGCONTEXTS", "altServer", "lastUSN", "highestCommittedUSN"), {"namingContexts"}),
        (("1.3.6.1.4.1.1466.101.120.5",), {"namingContexts"}),
        (("supportedSaslMechanisms",), {"supportedSASLMechanisms"}),
        (("altServer",), set()),
        (("1.1",), set()),
    ],
)
@blocking
def test_the_root_dse_shows_what_is_asked_for(serving: Serving, attributes: tuple[str, ...], expected: set[str]) -> None:
    with connected(serving) as client:
        (entry,), _ = client.search(search_request("", scope=0, attributes=attributes))
        (types,), _ = client.search(search_request("", scope=0, attributes=attributes, types_only=1))
    assert {attribute.type for attribute in entry.attributes} == expected
    assert {attribute.type: attribute.values for attribute in types.attributes} == dict.fromkeys(expected, ())


@pytest.mark.parametrize("scope", [1, 2, 3])
@blocking
def test_below_the_root_dse_there_is_nothing_and_the_answer_says_where_to_look(serving: Serving, scope: int) -> None:
    with connected(serving, serving.portal) as client:
        entries, done = client.search(search_request("", scope=scope))
    assert entries == []
    result = done.result
    assert result.code == ResultCode.NO_SUCH_OBJECT and "namingContexts" in result.diagnostic_message


@blocking
def test_a_filter_that_does_not_match_hides_the_root_dse(serving: Serving) -> None:
    with connected(serving) as client:
        entries, done = client.search(search_request("", "(cn=x)", 0))
    assert (entries, done.code) == ([], 0)


VALUES = {
    oids.PAGED_RESULTS: b"\x30\x05\x02\x01\x05\x04\x00",
    oids.SORT_REQUEST: SortRequest((SortKey("cn"),)).encode(),
    oids.LIST_REQUEST: ListRequest(0, 1, ListPosition(1)).encode(),
    oids.ASSERTION: AssertionControl(Present("objectClass")).encode(),
    oids.MATCHED_VALUES: MatchedValues((Present("cn"),)).encode(),
    oids.PROXIED_AUTHORIZATION: b"",
    oids.SYNC_REQUEST: SyncRequest(SyncMode.REFRESH_ONLY).encode(),
}
FOR_EVER = {oids.PERSISTENT_SEARCH: PersistentSearch(ChangeTypes.ADD, True, True).encode(), oids.CHANGE_NOTIFICATION: None}
"""Searches that are cancelled, because they have no other end."""


@blocking
def test_everything_the_root_dse_promises_is_kept(serving: Serving) -> None:
    with connected(serving, serving.portal) as client:
        (entry,), _ = client.search(search_request("", scope=0, attributes=("+",)))
        shown = {attribute.type: [value.decode() for value in attribute.values] for attribute in entry.attributes}
        assert oids.START_TLS not in shown["supportedExtension"]  # there is no certificate
        for control in shown["supportedControl"]:
            value = VALUES.get(control)
            if control == oids.PASSWORD_POLICY:
                answer = client.ask(bind_request(serving.portal), (Control(control, True),))
                assert isinstance(answer, BindResponse) and answer.result.code == 0
                continue
            if control in FOR_EVER:
                (message_id,) = client.send(search_request(BASE), controls=(Control(control, True, FOR_EVER[control]),))
                client.send(ExtendedRequest(oids.CANCEL, CancelRequest(message_id).encode()))
                assert [client.receive().operation.result.code for _ in range(2)] == [ResultCode.CANCELED, 0]  # type: ignore[union-attr]
                continue
            beside = [Control(oids.SORT_REQUEST, True, VALUES[oids.SORT_REQUEST])] if control == oids.LIST_REQUEST else []
            _, done = client.search(search_request(BASE, "(uid=ann)"), Control(control, True, value), *beside)
            expected = {oids.PROXIED_AUTHORIZATION: ResultCode.AUTHORIZATION_DENIED}  # it has not been granted
            assert done.code == expected.get(control, 0), control
        for base in shown["namingContexts"]:
            assert client.search(search_request(base, scope=0))[1].code == 0


@blocking
def test_a_paged_search_of_the_root_dse_is_one_page(serving: Serving) -> None:
    paged = Control(oids.PAGED_RESULTS, True, b"\x30\x05\x02\x01\x05\x04\x00")
    with connected(serving) as client:
        entries, done = client.search(search_request("", scope=0), paged)
    assert len(entries) == 1
    assert [control.control_type for control in done.controls] == [oids.PAGED_RESULTS]


@blocking
def test_ldap3_reads_the_whole_schema(serving: Serving) -> None:
    with pure(serving, serving.portal) as connection:
        info = connection.server.schema
        assert connection.server.info.naming_contexts == [BASE]
        for kind, read in zip(
            DEFINED, (info.attribute_types, info.object_classes, info.ldap_syntaxes, info.matching_rules), strict=True
        ):
            assert len({id(definition) for definition in read.values()}) == len(schema.definitions(kind)), kind
        assert info.object_classes["inetOrgPerson"].superior == ["organizationalPerson"]
        connection.search(BASE, "(uid=ann)", attributes=["*", "+"])
        assert connection.entries[0].uidNumber.value == 10001
        assert connection.entries[0].createTimestamp.value == BEGAN


@blocking
def test_the_subschema_says_to_what_each_rule_may_be_applied(serving: Serving) -> None:
    with libldap(serving) as client:
        entry = client.read_subschemasubentry_s("cn=Subschema", attrs=["matchingRuleUse", *DEFINED])
        parsed = ldap.schema.SubSchema(entry, check_uniqueness=2)
    uses = {oid: parsed.get_obj(ldap.schema.MatchingRuleUse, oid) for oid in parsed.listall(ldap.schema.MatchingRuleUse)}
    assert set(uses["1.2.840.113556.1.4.1941"].applies) == {"member", "uniqueMember", "memberOf"}
    assert "userAccountControl" in uses["1.2.840.113556.1.4.803"].applies
    assert "cn" not in uses["1.2.840.113556.1.4.803"].applies
    assert all(parsed.get_obj(ldap.schema.AttributeType, name) for use in uses.values() for name in use.applies)


@blocking
def test_python_ldap_reads_the_schema_without_losses(serving: Serving) -> None:
    with libldap(serving) as client:
        name = client.search_subschemasubentry_s()
        assert name == "cn=Subschema"
        entry = client.read_subschemasubentry_s(name, attrs=list(DEFINED))
        assert {kind: len(values) for kind, values in entry.items()} == {
            kind: len(schema.definitions(kind)) for kind in DEFINED
        }
        parsed = ldap.schema.SubSchema(entry, check_uniqueness=2)
    elements = {"attributeTypes": ldap.schema.AttributeType, "objectClasses": ldap.schema.ObjectClass}
    for kind, element in elements.items():
        assert len(parsed.listall(element)) == len(schema.definitions(kind))
    must, may = parsed.attribute_types(["inetOrgPerson"])
    assert {one.names[0] for one in must.values()} == {"objectClass", "cn", "sn"}
    assert "jpegPhoto" in {one.names[0] for one in may.values()}
    for text in schema.definitions("attributeTypes"):
        assert ldap.schema.AttributeType(text).names == schema.ATTRIBUTE_TYPES[text.split()[1]].names


@blocking
def test_every_attribute_and_class_that_is_served_is_in_the_schema(serving: Serving) -> None:
    view = openldap("any", DN.parse(BASE))
    for rules in view.rules.values():
        names = {*rules.attributes, rules.naming, "member", "memberUid", "ou", "dc", "o"}
        assert {name.partition(";")[0].lower() for name in names} <= set(schema.ATTRIBUTE_TYPES)
        assert {name.lower() for name in (*rules.object_classes, *rules.conditional_classes)} <= set(schema.OBJECT_CLASSES)
    for entry in Projection(view).containers(BEGAN):
        assert {name.lower() for name, _ in (*entry.attributes, *entry.operational_values)} <= set(schema.ATTRIBUTE_TYPES)
    with connected(serving, serving.portal) as client:
        entries, _ = client.search(search_request(BASE, "(!(uid=crowd*))", attributes=("*", "+")))
        entries += client.search(search_request("cn=Subschema", scope=0, attributes=("*", "+")))[0]
        entries += client.search(search_request("", scope=0, attributes=("*", "+")))[0]
    for found in entries:
        values = {attribute.type.partition(";")[0]: attribute.values for attribute in found.attributes}
        assert {name.lower() for name in values} <= set(schema.ATTRIBUTE_TYPES), found.object_name
        classes = [schema.OBJECT_CLASSES[name.decode().lower()] for name in values["objectClass"]]
        assert values["structuralObjectClass"][0].decode().lower() in {one.names[0].lower() for one in classes}
        if "extensibleObject" in {one.names[0] for one in classes}:
            continue
        allowed = {schema.canonical(name) for one in classes for name in (*one.must, *one.may)}
        user = {name for name in values if not schema.ATTRIBUTE_TYPES[name.lower()].operational}
        assert {schema.canonical(name) for name in user} <= allowed, found.object_name
        assert {schema.canonical(name) for one in classes for name in one.must} <= {name.lower() for name in values}


@pytest.mark.parametrize("scope", [0, 2])
@pytest.mark.parametrize("base", ["cn=Subschema", "CN=subschema", " cn = SubSchema "])
@blocking
def test_the_subschema_is_found_however_jndi_and_perl_ask(serving: Serving, base: str, scope: int) -> None:
    wanted = ("objectClasses", "attributeTypes", "matchingRules", "matchingRuleUse", "dITContentRules", "nameForms")
    with connected(serving) as client:
        (entry,), _ = client.search(search_request(base, "(objectClass=subschema)", scope, wanted))
        assert {attribute.type for attribute in entry.attributes} == set(wanted[:4])
        assert client.search(search_request(base, "(objectClass=person)", scope))[0] == []
        assert client.search(search_request(base, scope=1))[0] == []


@blocking
def test_the_schema_that_ldapsearch_shows_is_readable_by_a_person(serving: Serving) -> None:
    arguments = ("-LLL", "-o", "ldif-wrap=no", "-s", "base", "-b", "cn=Subschema", "(objectClass=*)", "objectClasses")
    done = tool("ldapsearch", serving.url, ANONYMOUS, *arguments)
    assert "objectClasses: ( 2.16.840.1.113730.3.2.2 NAME 'inetOrgPerson'" in done.stdout


@pytest.mark.parametrize(
    ("name", "attribute", "value", "code"),
    [
        ("", "objectClass", b"top", ResultCode.COMPARE_TRUE),
        ("", "supportedFeatures", b"1.2.3", ResultCode.COMPARE_FALSE),
        ("", "supportedLDAPVersion", b"3", ResultCode.INAPPROPRIATE_MATCHING),  # it has no equality rule (RFC 4512 §5.1.5)
        ("cn=Subschema", "objectClass", b"SUBSCHEMA", ResultCode.COMPARE_TRUE),
        ("cn=Subschema", "mail", b"x", ResultCode.NO_SUCH_ATTRIBUTE),
    ],
)
@blocking
def test_anybody_may_compare_with_the_root_dse_and_the_subschema(
    serving: Serving, name: str, attribute: str, value: bytes, code: int
) -> None:
    with connected(serving) as client:
        answer = client.ask(CompareRequest(name, attribute, value))
        assert isinstance(answer, CompareResponse) and answer.result.code == code


@blocking
def test_the_root_dse_is_found_with_a_request_as_windows_would_never_send_it(serving: Serving) -> None:
    request = SearchRequest("", 0, 0, 0, 0, False, filters.Present("objectclass"), ("*", "+", "+", "1.1", "x" * 1000, "*"))
    with connected(serving) as client:
        assert len(client.search(request)[0]) == 1
