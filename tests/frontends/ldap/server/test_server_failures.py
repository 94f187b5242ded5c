"""Failures behind the frontend are reported as failures (law 8), and the end of the process to every client."""

import ssl
from contextlib import closing
from pathlib import Path

import pytest
from structlog.testing import capture_logs
from twisted.internet.defer import Deferred

from gateway.directory.directory import Directory
from gateway.directory.materialization.follower import LogFollower
from gateway.directory.search import direct_plan
from gateway.directory.search.view_searcher import ViewSearcher
from gateway.frontends.ldap.search import root_dse
from gateway.store.engine.database import Database
from gateway.twisted_internals.reactor import installed
from gateway.wire import oids
from gateway.wire.messages import BindResponse, CompareRequest, CompareResponse, ExtendedRequest, SearchResultEntry
from gateway.wire.result_codes import ResultCode
from tests.frontends.ldap.company import ANN, BASE
from tests.frontends.ldap.conftest import Serve
from tests.frontends.ldap.serving import Serving, World, blocking, eventually, in_reactor
from tests.frontends.ldap.wire_client import WireClient, bind_request, connected, search_request
from tests.servers.pki import Pki


@blocking
def test_while_the_view_is_being_built_everything_in_it_is_unavailable(serve: Serve, world: World, tmp_path: Path) -> None:
    unbuilt = Directory([LogFollower(world.view, tmp_path, world.database, world.tail, installed())])
    serving = serve(directory=unbuilt, served=unbuilt)
    with connected(serving) as client:
        assert len(client.search(search_request("", scope=0))[0]) == 1
        assert client.bind(serving.ann) == ResultCode.UNAVAILABLE
        assert client.bind(serving.portal) == 0  # an application's secret is in the store
        for text in ("(uid=ann)", "(objectClass=*)", "(uid=*)"):
            entries, done = client.search(search_request(BASE, text))
            assert (entries, done.code) == ([], ResultCode.UNAVAILABLE)
            assert "being built" in done.result.diagnostic_message
        answer = client.ask(CompareRequest(ANN, "uid", b"ann"))
        assert isinstance(answer, CompareResponse) and answer.result.code == ResultCode.UNAVAILABLE


@blocking
def test_a_view_that_is_built_anew_is_unavailable_meanwhile_and_served_afterwards(serving: Serving) -> None:
    follower = serving.world.follower
    request = search_request(BASE, "(uid=ann)")
    with connected(serving, serving.portal) as client:
        assert client.search(request)[1].code == 0
        kept, follower.reader = follower.reader, None
        try:
            assert client.search(request)[1].code == ResultCode.UNAVAILABLE
        finally:
            follower.reader = kept
        assert [entry.object_name for entry in client.search(request)[0]] == [ANN]


@blocking
def test_a_store_that_is_down_makes_binds_unavailable_and_searches_go_on(serve: Serve, tmp_path: Path) -> None:
    (tmp_path / "broken.sqlite").write_bytes(b"this is not a database, but it is long enough to be taken for one" * 100)
    database = Database(f"sqlite:///{tmp_path}/broken.sqlite")
    serving = serve(database=database, anonymous_views=("openldap",))
    with closing(database), connected(serving) as client:
        for account in (serving.ann, serving.portal):
            answer = client.ask(bind_request(account))
            assert isinstance(answer, BindResponse) and answer.result.code == ResultCode.UNAVAILABLE
            assert "broken.sqlite" not in answer.result.diagnostic_message
        assert [entry.object_name for entry in client.search(search_request(BASE, "(uid=ann)"))[0]] == [ANN]


@pytest.mark.parametrize("text", ["(uid=ann)", "(uid=crowd*)"])
@blocking
def test_an_unexpected_error_is_one_fixed_sentence_to_the_client_and_a_traceback_in_the_log(
    serving: Serving, monkeypatch: pytest.MonkeyPatch, text: str
) -> None:
    def broken(*_: object, **__: object) -> None:
        raise RuntimeError("password=hunter2")

    with connected(serving, serving.portal) as client, capture_logs() as lines:
        with monkeypatch.context() as patch:
            patch.setattr(ViewSearcher, "parts", broken)
            patch.setattr(direct_plan, "prepare", broken)
            serving.server.fast_paths._paths.clear()
            done = client.search(search_request(BASE, text))[1]
        assert done.code == ResultCode.OTHER
        assert "hunter2" not in done.result.diagnostic_message and "log" in done.result.diagnostic_message
        assert client.search(search_request(BASE, "(uid=ann)"))[1].code == 0
    (line,) = (line for line in lines if line["event"] != "fast path failed")
    assert line["log_level"] == "error" and isinstance(line["exc_info"], RuntimeError)


@blocking
def test_an_unexpected_error_in_a_bind_is_told_the_same_way(serving: Serving) -> None:
    serving.upstream.error = RuntimeError("password=hunter2")
    with connected(serving) as client, capture_logs() as lines:
        answer = client.ask(bind_request(serving.ann))
        assert isinstance(answer, BindResponse) and answer.result.code == ResultCode.OTHER
        assert "hunter2" not in answer.result.diagnostic_message
    assert [line["log_level"] for line in lines] == ["error"]


@blocking
def test_an_error_in_the_middle_of_a_large_search_ends_it_with_its_result(
    serving: Serving, monkeypatch: pytest.MonkeyPatch
) -> None:
    with connected(serving, serving.portal, receive_buffer=4096) as client:
        client.send(search_request(BASE))
        assert isinstance(client.receive().operation, SearchResultEntry)
        assert serving.world.follower.reader is not None
        monkeypatch.setattr("gateway.directory.search.search.Search.next_slice", lambda *_: 1 / 0)
        messages = [client.receive()]
        while isinstance(messages[-1].operation, SearchResultEntry):
            messages.append(client.receive())
        assert messages[-1].operation.result.code == ResultCode.OTHER  # type: ignore[union-attr]
        assert serving.world.follower.reader.snapshots.in_use == 0


@blocking
def test_an_error_in_the_root_dse_ends_one_request_only(serving: Serving, monkeypatch: pytest.MonkeyPatch) -> None:
    with connected(serving) as client:
        with monkeypatch.context() as patch:
            patch.setattr(root_dse, "entry", lambda *_, **__: 1 / 0)
            assert client.search(search_request("", scope=0))[1].code == ResultCode.OTHER
        assert client.search(search_request("", scope=0))[1].code == 0


@blocking
def test_a_clean_stop_tells_every_client_and_closes_everything(tls_serving: Serving, pki: Pki) -> None:
    tls_serving.upstream.gate = Deferred(lambda _: None)
    context = ssl.create_default_context(cafile=str(pki.ca))
    plain, bound, binding = connected(tls_serving), connected(tls_serving, tls_serving.portal), connected(tls_serving)
    over_tls = connected(tls_serving)
    over_tls.ask(ExtendedRequest(oids.START_TLS))
    safe = WireClient(context.wrap_socket(over_tls.socket, server_hostname="127.0.0.1"))
    assert safe.search(search_request("", scope=0))[1].code == 0
    binding.send(bind_request(tls_serving.ann))
    eventually(lambda: bool(tls_serving.upstream.asked) and tls_serving.connections == 4)
    with capture_logs() as lines:
        (stopped,) = in_reactor(lambda: (tls_serving.server.stop(),))
        for client in (plain, bound, binding, safe):
            notice = client.notice()
            assert notice.code == ResultCode.UNAVAILABLE and "stopping" in notice.diagnostic_message
            client.close()
        eventually(lambda: bool(stopped.called))
    assert tls_serving.connections == 0
    assert [line for line in lines if line["log_level"] == "error"] == []


@blocking
def test_a_stop_is_not_held_up_by_a_client_that_reads_nothing(serving: Serving) -> None:
    with connected(serving, serving.portal, receive_buffer=4096) as client:
        client.send(*[search_request(BASE)] * 10)
        (connection,) = serving.server.connections
        eventually(lambda: connection.output.is_full)
        (stopped,) = in_reactor(lambda: (serving.server.stop(),))
        assert not stopped.called
        in_reactor(serving.server.drop_all)
        eventually(lambda: bool(stopped.called))
        assert serving.world.follower.reader is not None
        assert serving.world.follower.reader.snapshots.in_use == 0
