"""RFC 4533 beyond slapd on demand: refresh required, new cookies, both phases, other servers' habits."""

import pytest

from gateway.connectors.ldap.client.settings import Upstream
from gateway.connectors.ldap.openldap.settings import OpenLDAPSettings, openldap_kind_settings
from gateway.connectors.ldap.openldap.source import OpenLDAPSource
from gateway.model.deltas import DeltaType
from gateway.model.errors import SourceRefused, SourceUnavailable
from gateway.model.objects import Kind
from gateway.wire import oids
from gateway.wire.controls import EntryState, NewCookie, RefreshDelete, RefreshPresent, SyncDone, SyncIdSet
from gateway.wire.messages import ExtendedResponse, IntermediateResponse, Result, SearchRequest
from tests.connectors.record_replica import FollowingReplica, RecordReplica
from tests.connectors.scripted_sync_server import SUFFIX, Answer, ScriptedSyncServer, done, entry, information, uuid


def reading(server: ScriptedSyncServer) -> OpenLDAPSource:
    return OpenLDAPSource(
        OpenLDAPSettings(
            id="hr",
            upstream=Upstream(urls=(server.url,), answer_seconds=5),
            kinds=(openldap_kind_settings(Kind.USER, (SUFFIX,)),),
        )
    )


def users(replica: RecordReplica) -> set[str]:
    return replica.names(Kind.USER)


def answering(*answers: Answer) -> ScriptedSyncServer:
    """A server that sends users 1 to 3 and cookie "one" to a consumer without a cookie, and these to one with a cookie."""

    def script(_server: ScriptedSyncServer, _request: SearchRequest, cookie: bytes | None) -> list[Answer]:
        return list(answers) if cookie else [entry(1), entry(2), entry(3), done(0, SyncDone(b"one", True))]

    return ScriptedSyncServer(script)


def test_refresh_required_makes_it_a_reconciliation() -> None:
    with answering(entry(7), done(4096)) as server:
        replica = RecordReplica().read(reading(server)).read(reading(server))
        assert server.cookies == [None, b"one", None]
    assert users(replica) == {"user1", "user2", "user3"}  # user7, sent before the server gave up, is not in the full answer


def test_refresh_required_while_following_makes_it_a_reconciliation() -> None:
    def script(server: ScriptedSyncServer, _request: SearchRequest, _cookie: bytes | None) -> list[Answer]:
        if len(server.cookies) == 1:
            return [entry(1), entry(2), information(RefreshDelete(b"one")), entry(3, cookie=b"two"), done(4096)]
        return [entry(3), information(RefreshDelete(b"three"))]

    with ScriptedSyncServer(script) as server, FollowingReplica(reading(server)) as following:
        following.until(lambda: users(following.replica) == {"user3"})
        assert server.cookies == [None, None]


def test_a_new_cookie_alone_moves_the_watermark() -> None:
    def script(server: ScriptedSyncServer, _request: SearchRequest, _cookie: bytes | None) -> list[Answer]:
        return [information(RefreshDelete(b"one")), information(NewCookie(b"two"))] if len(server.cookies) == 1 else [done(52)]

    with ScriptedSyncServer(script) as server:
        with FollowingReplica(reading(server)) as following:
            following.until(lambda: len([batch for batch in following.replica.batches if batch.watermark]) == 2)
        with pytest.raises(SourceUnavailable):
            following.replica.read(reading(server))
        assert server.cookies == [None, b"two"]


def test_a_present_phase_deletes_entries_that_it_does_not_mention() -> None:
    answers = [information(SyncIdSet(None, False, (uuid(1),))), entry(2, EntryState.PRESENT), entry(4)]
    with answering(*answers, done(0, SyncDone(b"two", False))) as server:
        replica = RecordReplica().read(reading(server)).read(reading(server))
    assert users(replica) == {"user1", "user2", "user4"}


def test_a_present_phase_may_be_followed_by_a_delete_phase() -> None:
    answers = [
        information(SyncIdSet(None, False, (uuid(1), uuid(2)))),
        information(RefreshPresent(b"half", refresh_done=False)),
        information(SyncIdSet(None, True, (uuid(1),))),
        entry(5),
    ]
    with answering(*answers, done(0, SyncDone(b"two", True))) as server:
        replica = RecordReplica().read(reading(server)).read(reading(server))
    assert users(replica) == {"user2", "user5"}


def test_a_delete_phase_keeps_entries_that_it_does_not_mention() -> None:
    answers = [information(SyncIdSet(b"half", True, (uuid(1),))), entry(2, EntryState.DELETE), entry(4)]
    with answering(*answers, done(0, SyncDone(b"two", True))) as server:
        replica = RecordReplica().read(reading(server)).read(reading(server))
    assert users(replica) == {"user3", "user4"}


def test_a_delete_phase_that_389_calls_a_present_phase_deletes_only_the_listed_entries() -> None:
    answers = [information(SyncIdSet(None, True, (uuid(1),)))]
    with answering(*answers, done(0, SyncDone(b"two", False))) as server:
        replica = RecordReplica().read(reading(server)).read(reading(server))
    assert users(replica) == {"user2", "user3"}


def test_a_cookie_in_the_middle_of_a_refresh_is_not_kept_when_the_refresh_is_cut() -> None:
    with answering(information(SyncIdSet(b"half", True, (uuid(1),))), done(52)) as server:
        replica = RecordReplica().read(reading(server))
        for _ in range(2):
            with pytest.raises(SourceUnavailable, match="52 unavailable"):
                replica.read(reading(server))
        assert server.cookies == [None, b"one", b"one"]


def test_an_empty_full_answer_is_a_reconciliation_so_that_the_deletion_guard_sees_it() -> None:
    with ScriptedSyncServer(lambda *_: [done(0, SyncDone(b"one", True))]) as server:
        (batch,) = reading(server).read(None, follow=False)
    assert not batch.deltas
    assert batch.begins == batch.completes == {Kind.USER}


def test_success_without_the_sync_done_control_is_not_taken_for_a_whole_answer() -> None:
    with ScriptedSyncServer(lambda *_: [entry(1), done()]) as server, pytest.raises(SourceUnavailable, match="was ended"):
        RecordReplica().read(reading(server))


def test_the_server_ending_a_search_that_should_be_followed_is_unavailable() -> None:
    script = [entry(1), information(RefreshDelete(b"one")), done(0, SyncDone(b"two", True))]
    with ScriptedSyncServer(lambda *_: script) as server, pytest.raises(SourceUnavailable, match="was ended by the server"):
        list(reading(server).read(None, follow=True))


def test_a_refused_critical_control_falls_back_to_a_full_read() -> None:
    with ScriptedSyncServer(lambda *_: [done(12)]) as server:
        (batch,) = reading(server).read(None, follow=True)
    assert batch.completes == {Kind.USER}


def test_refusals_that_are_not_about_the_cookie_are_errors() -> None:
    with ScriptedSyncServer(lambda *_: [done(53)]) as server, pytest.raises(SourceRefused, match="53 unwillingToPerform"):
        RecordReplica().read(reading(server))


def test_a_notice_of_disconnection_is_the_reason_in_the_error() -> None:
    notice = ExtendedResponse(Result(52, "", "going down"), oids.NOTICE_OF_DISCONNECTION)
    with (
        ScriptedSyncServer(lambda *_: [(notice, ())]) as server,
        pytest.raises(SourceUnavailable, match="52 unavailable, 'going down'"),
    ):
        RecordReplica().read(reading(server))


@pytest.mark.parametrize("answer", [(entry(1)[0], ()), (IntermediateResponse(oids.SYNC_INFO, b"\xff"), ())])
def test_messages_that_are_not_as_the_rfc_has_them_are_an_error(answer: Answer) -> None:
    with ScriptedSyncServer(lambda *_: [answer]) as server, pytest.raises(SourceUnavailable, match="not as RFC 4533 has it"):
        RecordReplica().read(reading(server))


def test_intermediate_responses_of_another_kind_are_passed_over() -> None:
    answers: list[Answer] = [(IntermediateResponse("1.2.3.4", b"x"), ()), entry(1), done(0, SyncDone(b"one", True))]
    with ScriptedSyncServer(lambda *_: answers) as server:
        replica = RecordReplica().read(reading(server))
    assert replica.types == [DeltaType.UPSERT]
