"""The assertion control (RFC 4528), matched values (RFC 3876), and the read entry controls (RFC 4527), which are not here."""

import pytest

from gateway.wire import filters, oids
from gateway.wire.controls import Assertion, MatchedValues, PagedResults, control
from gateway.wire.messages import CompareRequest, Control, Operation, SearchRequest
from gateway.wire.result_codes import ResultCode
from tests.frontends.ldap.client_programs import tool
from tests.frontends.ldap.company import ANN, BASE, BOB, STAFF
from tests.frontends.ldap.serving import Serving, blocking
from tests.frontends.ldap.wire_client import WireClient, connected, search_request

TRUE, FALSE, UNDEFINED = "(title=engineer)", "(title=boss)", "(!(nonsense=x))"


def asserted(text: str) -> Control:
    return control(Assertion(filters.parse(text)), True)


def matched(*texts: str) -> Control:
    return control(MatchedValues(tuple(map(filters.parse, texts))), True)


def code(answer: Operation) -> int:
    return int(answer.result.code)  # type: ignore[union-attr]


@pytest.mark.parametrize(("text", "holds"), [(TRUE, True), (FALSE, False), (UNDEFINED, False)])
@blocking
def test_a_search_or_comparison_is_done_only_if_its_base_matches(serving: Serving, text: str, holds: bool) -> None:
    with connected(serving, serving.portal) as client:
        entries, done = client.search(search_request(ANN, "(uid=ann)"), asserted(text))
        assert (len(entries), done.code) == ((1, 0) if holds else (0, ResultCode.ASSERTION_FAILED))
        answer = client.ask(CompareRequest(ANN, "uid", b"ann"), (asserted(text),))
        assert code(answer) == (ResultCode.COMPARE_TRUE if holds else ResultCode.ASSERTION_FAILED)


@blocking
def test_an_assertion_is_about_the_base_object_and_as_the_party_sees_it(serving: Serving) -> None:
    with connected(serving, serving.portal) as client:
        assert client.search(search_request(BASE, "(uid=bob)"), asserted("(dc=example)"))[1].code == 0
        assert client.search(search_request(BASE, "(uid=bob)"), asserted("(uid=bob)"))[1].code == ResultCode.ASSERTION_FAILED
        assert client.search(search_request("", scope=0), asserted("(objectClass=*)"))[1].code == 0
        assert client.search(search_request(f"uid=nobody,{BASE}"), asserted(TRUE))[1].code == ResultCode.NO_SUCH_OBJECT
        wrong = Control(oids.ASSERTION, True, b"x")
        assert client.search(search_request(ANN), wrong)[1].code == ResultCode.PROTOCOL_ERROR


def values(client: WireClient, request: SearchRequest, *controls: Control) -> dict[str, list[bytes]]:
    (entry,), done = client.search(request, *controls)
    assert done.code == 0
    return {attribute.type: sorted(attribute.values) for attribute in entry.attributes}


@blocking
def test_only_values_that_match_an_item_are_sent_and_attributes_without_any_are_empty(serving: Serving) -> None:
    request = search_request(BASE, "(uid=ann)", attributes=("mail", "departmentNumber", "uid", "memberOf"))
    with connected(serving, serving.portal) as client:
        found = values(client, request, matched("(mail=ann@*)", "(departmentNumber=d2)", "(memberOf=*)", "(cn=*)"))
        assert found == {"mail": [b"Ann@example.test"], "departmentNumber": [b"D2"], "uid": [], "memberOf": [STAFF.encode()]}
        group = search_request(STAFF, scope=0, attributes=("member",))
        assert values(client, group, matched(f"(member={BOB.upper()})")) == {"member": [BOB.encode()]}
        assert values(client, group, matched("(:caseIgnoreMatch:=staff)")) == {"member": []}


@blocking
def test_matched_values_have_no_effect_on_types_alone_and_go_with_pages_and_the_root_dse(serving: Serving) -> None:
    types = search_request(BASE, "(uid=ann)", attributes=("mail", "uid"), types_only=1)
    page = control(PagedResults(10), True)
    with connected(serving, serving.portal) as client:
        assert values(client, types, matched("(mail=ann@*)")) == values(client, types) == {"mail": [], "uid": []}
        request = search_request(BASE, "(uid=ann)", attributes=("mail",))
        assert values(client, request, matched("(mail=ann@*)"), page) == {"mail": [b"Ann@example.test"]}
        root = search_request("", scope=0, attributes=("supportedControl", "namingContexts"))
        shown = values(client, root, matched(f"(supportedControl={oids.MATCHED_VALUES})"))
        assert shown["namingContexts"] == []


@pytest.mark.parametrize("oid", [oids.PRE_READ, oids.POST_READ])
@blocking
def test_reading_before_or_after_is_of_no_use_to_a_search_and_refused_when_critical(serving: Serving, oid: str) -> None:
    with connected(serving, serving.portal) as client:
        for critical, expected in ((True, ResultCode.UNAVAILABLE_CRITICAL_EXTENSION), (False, ResultCode.SUCCESS)):
            _, done = client.search(search_request(ANN), Control(oid, critical, b"\x30\x00"))
            assert done.code == expected


@blocking
def test_ldapsearch_and_ldapcompare_assert_and_ask_for_matched_values(serving: Serving) -> None:
    found = tool("ldapsearch", serving.url, serving.portal, "-e", f"!assert={FALSE}", "-b", ANN)
    assert found.returncode == ResultCode.ASSERTION_FAILED
    found = tool("ldapsearch", serving.url, serving.portal, "-LLL", "-E", "!mv=(mail=ann.*)", "-b", ANN, "(uid=ann)", "mail")
    assert found.stdout.split() == ["dn:", ANN, "mail:", "ann.mueller@example.test"]
    compared = tool("ldapcompare", serving.url, serving.portal, "-e", f"!assert={TRUE}", ANN, "uid:ann")
    assert compared.returncode == ResultCode.COMPARE_TRUE
