"""A person who is bound sees the own entry and what the person is in, and learns of nobody else by any question."""

from __future__ import annotations

import pytest

from gateway.wire.controls import ListPosition, ListRequest, ListResponse, SortKey, SortRequest, control, find
from gateway.wire.messages import CompareRequest, CompareResponse
from gateway.wire.result_codes import ResultCode
from tests.frontends.ldap.company import ALL, ANN, BASE, BOB, GROUPS, PEOPLE, SALES, STAFF, TEAM, UNITS
from tests.frontends.ldap.serving import Serving, blocking
from tests.frontends.ldap.wire_client import WireClient, connected, search_request

OWN = {ANN, STAFF, ALL, SALES, f"ou=IT,{UNITS}"}
CONTAINERS = {BASE, PEOPLE, GROUPS, UNITS}


def found(client: WireClient, text: str, base: str = BASE) -> set[str]:
    entries, done = client.search(search_request(base, text, attributes=("1.1",)))
    assert done.code == 0, done
    return {entry.object_name for entry in entries}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("(objectClass=*)", OWN | CONTAINERS),
        (f"(member={ANN})", {STAFF}),
        (f"(member:1.2.840.113556.1.4.1941:={ANN})", {STAFF, ALL}),
        ("(memberUid=ann)", {STAFF}),
        ("(&(objectClass=groupOfNames)(cn=*))", {STAFF, ALL}),
        (f"(memberOf={STAFF})", {ANN}),
        ("(ou=IT)", {ANN, f"ou=IT,{UNITS}"}),
        (f"(member={BOB})", set()),
        (f"(member:1.2.840.113556.1.4.1941:={BOB})", set()),
        ("(memberUid=bob)", set()),
        ("(memberUid=b*)", set()),
        ("(|(uid=bob)(mail=bob@example.test)(cn=empty)(ou=Team)(ou=Crowd))", set()),
        (f"(&(cn=staff)(!(!(member={BOB}))))", set()),
    ],
)
@blocking
def test_a_search_of_a_person_finds_what_the_person_is_in(serving: Serving, text: str, expected: set[str]) -> None:
    with connected(serving, serving.ann) as client:
        assert found(client, text) == expected


@blocking
def test_groups_list_the_person_alone_and_nothing_shows_what_else_is_there(serving: Serving) -> None:
    with connected(serving, serving.ann) as client:
        (staff,), _ = client.search(search_request(STAFF, scope=0, attributes=("member", "memberUid")))
        assert {one.type: [value.decode() for value in one.values] for one in staff.attributes} == {
            "member": [ANN],
            "memberUid": ["ann"],
        }
        (sales,), _ = client.search(search_request(SALES, scope=0, attributes=("hasSubordinates",)))
        assert sales.attributes[0].values == (b"FALSE",), "the team below it is not shown"
        for base, matched in ((BOB, PEOPLE), (f"cn=empty,{GROUPS}", GROUPS), (TEAM, SALES), (f"cn=x,{TEAM}", SALES)):
            _, done = client.search(search_request(base, scope=0))
            assert (done.code, done.result.matched_dn) == (ResultCode.NO_SUCH_OBJECT, matched)
        for dn, asserted, expected in (
            (STAFF, ANN, ResultCode.COMPARE_TRUE),
            (STAFF, BOB, ResultCode.COMPARE_FALSE),
            (f"cn=empty,{GROUPS}", ANN, ResultCode.NO_SUCH_OBJECT),
        ):
            answer = client.ask(CompareRequest(dn, "member", asserted.encode()))
            assert isinstance(answer, CompareResponse) and answer.result.code == expected


@blocking
def test_a_sorted_list_of_a_person_counts_what_is_visible(serving: Serving) -> None:
    sort, page = control(SortRequest((SortKey("cn"),)), True), control(ListRequest(0, 99, ListPosition(1)), True)
    with connected(serving, serving.ann) as client:
        entries, done = client.search(search_request(BASE, "(cn=*)", attributes=("1.1",)), sort, page)
        assert [entry.object_name for entry in entries] == [ALL, ANN, STAFF]
        response = find(done.controls, ListResponse)
        assert response is not None and response.content_count == 3
