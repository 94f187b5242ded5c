"""Persistent searches, Active Directory's change notifications, and what ends a search: Abandon and Cancel."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import pytest_twisted
from twisted.internet.defer import ensureDeferred

from gateway.frontends.ldap.core import subscription_limit
from gateway.frontends.ldap.core.limits import SUBSCRIPTIONS_PER_CONNECTION
from gateway.wire import controls, oids
from gateway.wire.controls import ChangeNotification, ChangeTypes, EntryChange, PersistentSearch, SyncMode, SyncRequest
from gateway.wire.controls.persistent_search import ALL_CHANGES
from gateway.wire.extended_values import CancelRequest
from gateway.wire.messages import (
    AbandonRequest,
    Control,
    ExtendedRequest,
    ExtendedResponse,
    LDAPMessage,
    SearchResultDone,
    SearchResultEntry,
)
from gateway.wire.result_codes import ResultCode
from tests.directory.worlds import BASE, group, organization, user
from tests.frontends.ldap.replica_world import ReplicaWorld, in_reactor
from tests.frontends.ldap.serving import Serving, blocking, eventually
from tests.frontends.ldap.wire_client import WireClient, bind_request, connected, search_request

PEOPLE = f"ou=people,{BASE}"
NORTH = organization(1, "North")
ANNA, BEN = user(10, "anna", [NORTH.id]), user(11, "ben")

Told = tuple[str, ChangeTypes | None, str | None]


@pytest.fixture
def changing(tmp_path: Path) -> Iterator[ReplicaWorld]:
    """An organization and two people, one of them in it."""
    made = ReplicaWorld(tmp_path, organization_ids=(NORTH.id,))
    made.store.put(NORTH, ANNA, BEN)
    pytest_twisted.blockon(ensureDeferred(made.start()))
    yield made
    pytest_twisted.blockon(ensureDeferred(made.stop()))


@pytest.fixture
def serving(changing: ReplicaWorld) -> Iterator[Serving]:
    """A server over them."""
    made = Serving(changing)  # type: ignore[arg-type]
    yield made
    pytest_twisted.blockon(ensureDeferred(made.end()))


def persistent(types: ChangeTypes = ALL_CHANGES, *, changes_only: bool = True, told: bool = True) -> Control:
    return controls.control(PersistentSearch(types, changes_only, told), True)


NOTIFY = controls.control(ChangeNotification(), True)


def told(message: LDAPMessage) -> Told:
    """Name, change type and former name of an entry that was sent."""
    assert isinstance(message.operation, SearchResultEntry), message
    change = controls.find(message.controls, EntryChange)
    previous = change.previous_dn if change is not None else None
    return message.operation.object_name, change.change_type if change else None, previous.decode() if previous else None


def begin(
    serving: Serving, client: WireClient, *with_controls: Control, text: str = "(objectClass=*)", base: str = PEOPLE
) -> int:
    """Sends a search that goes on for ever; its message id, when it has begun."""
    before = serving.services.subscriptions.total
    (message_id,) = client.send(search_request(base, text), controls=with_controls)
    eventually(lambda: serving.services.subscriptions.total > before, "the search")
    return message_id


@blocking
def test_a_persistent_search_tells_each_change_as_what_it_is(changing: ReplicaWorld, serving: Serving) -> None:
    with connected(serving, serving.portal) as client:
        begin(serving, client, persistent())
        changing.store.put(user(12, "cy"))
        assert told(client.receive()) == (f"uid=cy,{PEOPLE}", ChangeTypes.ADD, None)
        changing.store.put(replace(BEN, attributes={"title": ("Head",)}))
        assert told(client.receive()) == (f"uid=ben,{PEOPLE}", ChangeTypes.MODIFY, None)
        changing.store.put(replace(ANNA, username="anne"))
        assert told(client.receive()) == (f"uid=anne,{PEOPLE}", ChangeTypes.MOD_DN, f"uid=anna,{PEOPLE}")
        changing.store.put(group(20, "Staff"))  # below another base
        changing.store.delete(BEN)
        assert told(client.receive()) == (f"uid=ben,{PEOPLE}", ChangeTypes.DELETE, None)


@blocking
def test_what_was_asked_for_is_told_and_nothing_else(changing: ReplicaWorld, serving: Serving) -> None:
    with connected(serving, serving.portal) as client:
        begin(serving, client, persistent(ChangeTypes.DELETE | ChangeTypes.ADD, told=False))
        changing.store.put(replace(BEN, attributes={"title": ("Head",)}), user(12, "cy"))
        assert told(client.receive()) == (f"uid=cy,{PEOPLE}", None, None)
    with connected(serving, serving.portal) as client:
        begin(serving, client, persistent(changes_only=False), text="(title=*)")
        assert told(client.receive()) == (f"uid=ben,{PEOPLE}", None, None)
        changing.store.put(user(13, "dee"), replace(ANNA, attributes={"title": ("Head",)}))
        assert told(client.receive()) == (f"uid=anna,{PEOPLE}", ChangeTypes.MODIFY, None)


@blocking
def test_nobody_is_told_of_what_he_may_not_see(changing: ReplicaWorld, serving: Serving) -> None:
    with connected(serving, serving.narrow) as client:
        begin(serving, client, persistent())
        changing.store.put(replace(BEN, username="benjamin"), user(12, "cy"))
        changing.store.delete(user(12, "cy"))
        changing.store.put(replace(ANNA, organization_ids=(), username="anne"))
        assert told(client.receive()) == (f"uid=anna,{PEOPLE}", ChangeTypes.DELETE, None)


@blocking
def test_a_change_notification_brings_whole_entries_and_tombstones(changing: ReplicaWorld, serving: Serving) -> None:
    with connected(serving, serving.portal) as client:
        begin(serving, client, NOTIFY, base=BASE)
        changing.store.put(replace(BEN, attributes={"title": ("Head",)}))
        changed = client.receive().operation
        assert isinstance(changed, SearchResultEntry)
        assert {one.type: one.values for one in changed.attributes}["title"] == (b"Head",)
        changing.store.delete(BEN)
        gone = client.receive().operation
        assert isinstance(gone, SearchResultEntry)
        assert [(one.type, one.values) for one in gone.attributes] == [("isDeleted", (b"TRUE",))]
        assert client.search(search_request(BASE, "(cn=x)"), NOTIFY)[1].code == ResultCode.UNWILLING_TO_PERFORM


def cancel(client: WireClient, message_id: int) -> list[LDAPMessage]:
    """Asks for the end of an operation; what comes of it, up to the answer."""
    client.send(ExtendedRequest(oids.CANCEL, CancelRequest(message_id).encode()))
    found = [client.receive()]
    while not isinstance(found[-1].operation, ExtendedResponse):
        found.append(client.receive())
    return found


@blocking
def test_cancel_ends_a_search_with_an_answer_and_abandon_without(changing: ReplicaWorld, serving: Serving) -> None:
    with connected(serving, serving.portal) as client:
        first, second = begin(serving, client, persistent()), begin(serving, client, NOTIFY)
        ended, answer = cancel(client, first)
        assert isinstance(ended.operation, SearchResultDone)
        assert (ended.message_id, ended.operation.result.code) == (first, ResultCode.CANCELED)
        assert isinstance(answer.operation, ExtendedResponse)
        assert answer.operation.result.code == 0
        client.send(AbandonRequest(second))
        eventually(lambda: serving.services.subscriptions.total == 0, "the end of the search")
        (answer,) = cancel(client, second)
        assert isinstance(answer.operation, ExtendedResponse)
        assert answer.operation.result.code == ResultCode.NO_SUCH_OPERATION
        assert changing.follower.on_change == []


@pytest.fixture
def narrow_serving(changing: ReplicaWorld) -> Iterator[Serving]:
    """A server with room for two operations of a connection."""
    made = Serving(changing, limits={"operations_in_flight": 2})  # type: ignore[arg-type]
    yield made
    pytest_twisted.blockon(ensureDeferred(made.end()))


@blocking
def test_cancel_gets_through_when_no_more_operations_may_be_begun(narrow_serving: Serving) -> None:
    with connected(narrow_serving, narrow_serving.portal) as client:
        first, _ = begin(narrow_serving, client, persistent()), begin(narrow_serving, client, persistent())
        ended, _ = cancel(client, first)
        assert isinstance(ended.operation, SearchResultDone)
        assert (ended.message_id, ended.operation.result.code) == (first, ResultCode.CANCELED)


@blocking
def test_a_bind_cannot_be_cancelled_and_nonsense_is_an_error(serving: Serving) -> None:
    with connected(serving, serving.portal) as client:
        answer = client.ask(ExtendedRequest(oids.CANCEL, b"nonsense"))
        assert isinstance(answer, ExtendedResponse)
        assert answer.result.code == ResultCode.PROTOCOL_ERROR


@blocking
def test_a_bind_ends_what_the_connection_follows(serving: Serving) -> None:
    with connected(serving, serving.portal) as client:
        begin(serving, client, persistent())
        client.ask(bind_request(serving.narrow))
        assert serving.services.subscriptions.total == 0


@blocking
def test_ways_of_telling_do_not_go_together(serving: Serving) -> None:
    sync = controls.control(SyncRequest(SyncMode.REFRESH_ONLY))
    paged = Control(oids.PAGED_RESULTS, True, b"\x30\x05\x02\x01\x05\x04\x00")
    with connected(serving, serving.portal) as client:
        for both in ((sync, NOTIFY), (persistent(), paged)):
            assert client.search(search_request(BASE), *both)[1].code == ResultCode.PROTOCOL_ERROR
        malformed = Control(oids.PERSISTENT_SEARCH, True, b"\x30\x00")
        assert client.search(search_request(BASE), malformed)[1].code == ResultCode.PROTOCOL_ERROR
        assert client.search(search_request(f"uid=nobody,{PEOPLE}"), persistent())[1].code == ResultCode.NO_SUCH_OBJECT
    with connected(serving) as client:
        assert client.search(search_request(BASE), persistent())[1].code == ResultCode.INSUFFICIENT_ACCESS_RIGHTS


@blocking
def test_searches_that_go_on_for_ever_are_bounded(serving: Serving, monkeypatch: pytest.MonkeyPatch) -> None:
    with connected(serving, serving.portal) as client:
        for _ in range(SUBSCRIPTIONS_PER_CONNECTION):
            begin(serving, client, persistent())
        assert client.search(search_request(PEOPLE), NOTIFY)[1].code == ResultCode.ADMIN_LIMIT_EXCEEDED
        monkeypatch.setattr(subscription_limit, "SUBSCRIPTIONS", SUBSCRIPTIONS_PER_CONNECTION)
        with connected(serving, serving.portal) as other:
            assert other.search(search_request(PEOPLE), NOTIFY)[1].code == ResultCode.ADMIN_LIMIT_EXCEEDED
    eventually(lambda: serving.services.subscriptions.total == 0, "the end of the searches")


@blocking
def test_a_search_ends_when_its_view_is_built_again(changing: ReplicaWorld, serving: Serving) -> None:
    with connected(serving, serving.portal) as client:
        begin(serving, client, persistent())
        in_reactor(lambda: ensureDeferred(changing.restart(anew=True)))
        ended = client.receive().operation
        assert isinstance(ended, SearchResultDone)
        assert ended.result.code == ResultCode.SYNC_REFRESH_REQUIRED


@blocking
def test_a_size_limit_holds_for_what_there_is(serving: Serving) -> None:
    with connected(serving, serving.portal) as client:
        entries, done = client.search(search_request(BASE, size_limit=3), persistent(changes_only=False))
        assert (len(entries), done.code) == (3, ResultCode.SIZE_LIMIT_EXCEEDED)


@blocking
def test_who_takes_nothing_is_not_queued_for(changing: ReplicaWorld, serving: Serving) -> None:
    texts = [f"{number:03}" + "x" * 60_000 for number in range(60)]
    with connected(serving, serving.portal, receive_buffer=4096) as client:
        begin(serving, client, persistent())
        for text in texts:
            changing.store.put(replace(BEN, attributes={"description": (text,)}))
            changing.follow()
        seen: list[bytes] = []
        while not seen or seen[-1] != texts[-1].encode():
            entry = client.receive().operation
            assert isinstance(entry, SearchResultEntry)
            seen.append({one.type: one.values for one in entry.attributes}["description"][0])
        assert len(seen) < len(texts)  # what it did not take in time it is told once, as it is now
