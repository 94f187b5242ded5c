"""Messages of real clients and servers are decoded to the last octet, and encode to the same octets."""

import pytest

from gateway.wire import messages as m
from gateway.wire import oids
from gateway.wire.codec.decoder import decode_message
from gateway.wire.codec.encoder import encode_message
from gateway.wire.controls import (
    EntryState,
    ManageDsaIT,
    PagedResults,
    PasswordPolicyRequest,
    RefreshDelete,
    SortKey,
    SortRequest,
    SyncDone,
    SyncMode,
    SyncRequest,
    SyncState,
    control,
    decode_sync_info,
    find,
)
from gateway.wire.entries import decode_search_entry
from gateway.wire.extended_values import PasswordModifyRequest, PasswordModifyResponse
from gateway.wire.filters import And, Equality, Extensible, Not, Or, Present, Substrings, to_text
from tests.wire import captured_messages
from tests.wire.long_lengths import widen

BASE = "dc=example,dc=test"
ADA = "uid=ada,ou=people,dc=example,dc=test"
ADA_UUID = bytes.fromhex("a3da9ebe7b8a104182d44f57348d1174")


def search(filter: object, *attributes: str, deref_aliases: int = 0) -> m.SearchRequest:
    return m.SearchRequest(BASE, m.WHOLE_SUBTREE, deref_aliases, 0, 0, False, filter, attributes)  # type: ignore[arg-type]


EXPECTED = {
    "ROOT_DSE_SEARCH": m.SearchRequest("", m.BASE_OBJECT, 0, 0, 0, False, Present("objectclass"), ("+",)),
    "FILTERED_SEARCH": search(
        And(
            (
                Equality("objectClass", b"inetOrgPerson"),
                Or((Equality("uid", b"ada"), Substrings("cn", b"Ada", (b"L",), b"ce"))),
                Not(Substrings("mail", None, (), b".invalid")),
            )
        ),
        "cn",
        "mail",
    ),
    "FOUND_ENTRY": m.SearchResultEntry(
        ADA, (m.PartialAttribute("cn", (b"Ada Lovelace",)), m.PartialAttribute("mail", (b"ada@example.com",)))
    ),
    "PAGED_SEARCH": search(Present("objectClass"), "1.1"),
    "PAGE_DONE": m.SearchResultDone(m.Result(0)),
    "BIND_WITH_PASSWORD_POLICY": m.BindRequest(3, f"cn=reader,{BASE}", m.SimpleAuthentication(b"reader-secret")),
    "WHO_AM_I": m.ExtendedRequest(oids.WHO_AM_I),
    "WHO_AM_I_ANSWER": m.ExtendedResponse(m.Result(0), None, b"dn:cn=reader,dc=example,dc=test"),
    "COMPARE": m.CompareRequest(ADA, "sn", b"Lovelace"),
    "COMPARE_TRUE": m.CompareResponse(m.Result(6)),
    "EXTENSIBLE_SEARCH": search(Extensible("caseIgnoreMatch", "ou", b"people", True), "ou"),
    "PASSWORD_MODIFY": m.ExtendedRequest(oids.PASSWORD_MODIFY, PasswordModifyRequest(ADA.encode()).encode()),
    "GENERATED_PASSWORD": m.ExtendedResponse(m.Result(0), None, PasswordModifyResponse(b"tZmpQ8ou").encode()),
    "BIND_REFUSED": m.BindResponse(m.Result(49)),
    "NO_SUCH_OBJECT": m.SearchResultDone(m.Result(32, f"ou=people,{BASE}")),
    "SYNC_SEARCH": search(Present("objectClass"), "uid"),
    "SYNC_ENTRY": m.SearchResultEntry(ADA, (m.PartialAttribute("uid", (b"ada",)),)),
    "SYNC_DONE": m.SearchResultDone(m.Result(0)),
    "SYNC_DELETED": m.SearchResultEntry(ADA),
    "START_TLS": m.ExtendedRequest(oids.START_TLS),
    "JNDI_PAGED_AND_SORTED_SEARCH": search(Present("objectClass"), "cn", deref_aliases=m.DEREF_ALWAYS),
    "JNDI_ABANDON": m.AbandonRequest(3),
    "JNDI_UNBIND": m.UnbindRequest(),
}


@pytest.mark.parametrize("name", EXPECTED)
def test_a_captured_message_has_the_meaning_of_its_sender(name: str) -> None:
    assert decode_message(captured_messages.ALL[name]).operation == EXPECTED[name]


@pytest.mark.parametrize("name", captured_messages.ALL)
def test_we_would_have_written_the_same_octets(name: str) -> None:
    assert encode_message(decode_message(captured_messages.ALL[name])) == captured_messages.ALL[name]


@pytest.mark.parametrize("name", captured_messages.ALL)
def test_windows_spelling_of_the_lengths_is_the_same_message(name: str) -> None:
    assert decode_message(widen(captured_messages.ALL[name])) == decode_message(captured_messages.ALL[name])


def test_a_filter_prints_as_it_was_typed() -> None:
    operation = decode_message(captured_messages.FILTERED_SEARCH).operation
    assert isinstance(operation, m.SearchRequest)
    assert to_text(operation.filter) == "(&(objectClass=inetOrgPerson)(|(uid=ada)(cn=Ada*L*ce))(!(mail=*.invalid)))"


def test_jndi_sends_paging_sorting_and_manage_dsa_it_with_one_search() -> None:
    controls = decode_message(captured_messages.JNDI_PAGED_AND_SORTED_SEARCH).controls
    assert controls == (
        control(PagedResults(2), criticality=True),
        control(SortRequest((SortKey("cn"),))),
        control(ManageDsaIT()),
    )
    assert find(controls, PagedResults) == PagedResults(2, b"")
    assert find(controls, SortRequest) == SortRequest((SortKey("cn"),))
    assert find(controls, ManageDsaIT) == ManageDsaIT()


def test_manage_dsa_it_may_come_with_an_abandon_and_an_unbind() -> None:
    assert decode_message(captured_messages.JNDI_ABANDON).controls == (control(ManageDsaIT()),)
    assert decode_message(captured_messages.JNDI_UNBIND).controls == (control(ManageDsaIT()),)


def test_a_page_ends_with_the_cookie_for_the_next() -> None:
    assert find(decode_message(captured_messages.PAGED_SEARCH).controls, PagedResults) == PagedResults(2)
    assert find(decode_message(captured_messages.PAGE_DONE).controls, PagedResults) == PagedResults(
        0, bytes((2, 0, 0, 0, 0, 0, 0, 0))
    )


def test_a_password_policy_request_has_no_value() -> None:
    controls = decode_message(captured_messages.BIND_WITH_PASSWORD_POLICY).controls
    assert find(controls, PasswordPolicyRequest) == PasswordPolicyRequest()
    assert find(controls, PagedResults) is None


def test_a_sync_session_is_understood_from_request_to_deletion() -> None:
    cookie = b"rid=000,sid=001,csn=20261123130754.759314Z#000000#001#000000"
    refreshed = decode_message(captured_messages.SYNC_REFRESH_DONE).operation
    assert isinstance(refreshed, m.IntermediateResponse)
    assert refreshed.name == oids.SYNC_INFO
    assert decode_sync_info(refreshed.value) == RefreshDelete(cookie)
    assert find(decode_message(captured_messages.SYNC_SEARCH).controls, SyncRequest) == SyncRequest(
        SyncMode.REFRESH_AND_PERSIST
    )
    assert find(decode_message(captured_messages.SYNC_ENTRY).controls, SyncState) == SyncState(EntryState.ADD, ADA_UUID)
    assert find(decode_message(captured_messages.SYNC_DONE).controls, SyncDone) == SyncDone(cookie, refresh_deletes=True)
    deleted = find(decode_message(captured_messages.SYNC_DELETED).controls, SyncState)
    assert deleted == SyncState(EntryState.DELETE, ADA_UUID, cookie.replace(b"54.759314", b"56.330358"))


def test_the_fast_reader_agrees_on_an_entry_with_a_control() -> None:
    message = decode_message(captured_messages.SYNC_ENTRY)
    assert decode_search_entry(captured_messages.SYNC_ENTRY) == (ADA.encode(), [("uid", [b"ada"])], message.controls)
    assert decode_search_entry(widen(captured_messages.SYNC_ENTRY)) == decode_search_entry(captured_messages.SYNC_ENTRY)
