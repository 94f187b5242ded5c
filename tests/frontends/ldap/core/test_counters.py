"""Counters and, when asked for, the log of operations: every operation once, by name and result, whichever way it was
answered."""

from structlog.testing import capture_logs

from gateway.wire import oids
from gateway.wire.messages import CompareRequest, DelRequest, ExtendedRequest
from gateway.wire.result_codes import ResultCode
from tests.frontends.ldap.company import ANN, BASE, CROWD
from tests.frontends.ldap.conftest import Serve
from tests.frontends.ldap.serving import Account, Serving, blocking
from tests.frontends.ldap.wire_client import WireClient, connected, search_request

EXPECTED = {
    ("bind", ResultCode.SUCCESS): 1,
    ("bind", ResultCode.INVALID_CREDENTIALS): 1,
    ("search", ResultCode.SUCCESS): 5,
    ("search", ResultCode.NO_SUCH_OBJECT): 1,
    ("search", ResultCode.SIZE_LIMIT_EXCEEDED): 2,
    ("compare", ResultCode.COMPARE_TRUE): 1,
    ("compare", ResultCode.NO_SUCH_ATTRIBUTE): 1,
    ("extended", ResultCode.SUCCESS): 1,
    ("extended", ResultCode.PROTOCOL_ERROR): 1,
    ("delete", ResultCode.UNWILLING_TO_PERFORM): 1,
}
ENTRIES = 1 + 1 + 1 + 1 + CROWD + 1 + 3


def visit(client: WireClient, serving: Serving) -> None:
    """One of each; the first bind is the fixture's."""
    client.search(search_request(BASE, "(uid=ann)"))  # the short way
    client.search(search_request(BASE, "(&(uid=ann)(title=*))"))
    client.search(search_request("", scope=0))
    client.search(search_request("cn=Subschema", scope=0))
    client.search(search_request(BASE, "(uid=crowd*)", attributes=("1.1",)))
    client.search(search_request("dc=elsewhere"))
    client.search(search_request(BASE, "(title=engineer)", size_limit=1))
    client.search(search_request(BASE, "(uid=crowd*)", size_limit=3))
    client.ask(CompareRequest(ANN, "uid", b"ann"))
    client.ask(CompareRequest(ANN, "o", b"x"))
    client.ask(ExtendedRequest(oids.WHO_AM_I))
    client.ask(ExtendedRequest("1.2.3"))
    client.ask(DelRequest(ANN))
    client.bind(Account(ANN, "wrong"))


@blocking
def test_every_operation_is_counted_once_by_name_and_result(serving: Serving) -> None:
    with connected(serving, serving.portal) as client:
        visit(client, serving)
    counters = serving.services.counters
    assert counters.operations == EXPECTED
    assert counters.entries == ENTRIES


@blocking
def test_every_operation_is_logged_once_when_that_is_asked_for(serve: Serve) -> None:
    serving = serve(log_operations=True)
    with capture_logs() as lines, connected(serving, serving.portal) as client:
        visit(client, serving)
    logged = [line for line in lines if line["event"] == "operation"]
    counts = {key: sum((line["operation"], line["result"]) == key for line in logged) for key in EXPECTED}
    assert counts == EXPECTED == serving.services.counters.operations
    assert all(line["peer"].startswith("127.0.0.1:") for line in logged)
