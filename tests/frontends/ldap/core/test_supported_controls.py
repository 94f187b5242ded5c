"""Controls on every operation (RFC 4511 §4.1.11): critical and unknown is refused, any other unknown one ignored."""

import pytest

from gateway.frontends.ldap.core.supported_controls import SUBSCRIPTIONS, UNDERSTOOD
from gateway.frontends.ldap.server.dispatch import HANDLERS
from gateway.frontends.ldap.subscriptions import dispatch
from gateway.wire import oids
from gateway.wire.messages import (
    REPLACE,
    AbandonRequest,
    AddRequest,
    CompareRequest,
    Control,
    DelRequest,
    ExtendedRequest,
    Modification,
    ModifyDNRequest,
    ModifyRequest,
    Operation,
    PartialAttribute,
    UnbindRequest,
)
from gateway.wire.result_codes import ResultCode
from tests.frontends.ldap.company import ANN, BASE
from tests.frontends.ldap.serving import Account, Serving, blocking
from tests.frontends.ldap.wire_client import bind_request, connected, search_request

DEREF = "1.3.6.1.4.1.4203.666.5.16"
WRITES: list[Operation] = [
    AddRequest("uid=x,dc=test", (PartialAttribute("uid", (b"x",)),)),
    DelRequest(ANN),
    ModifyRequest(ANN, (Modification(REPLACE, PartialAttribute("title", (b"Boss",))),)),
    ModifyDNRequest(ANN, "uid=anna", True),
]
OPERATIONS: list[tuple[Operation, int]] = [
    (bind_request(Account("", "")), ResultCode.SUCCESS),
    (search_request("dc=elsewhere"), ResultCode.NO_SUCH_OBJECT),
    (CompareRequest(ANN, "uid", b"ann"), ResultCode.COMPARE_TRUE),
    (ExtendedRequest(oids.WHO_AM_I), ResultCode.SUCCESS),
    *((write, ResultCode.UNWILLING_TO_PERFORM) for write in WRITES),
]


def code(answer: Operation) -> int:
    return int(answer.result.code)  # type: ignore[union-attr]


@pytest.mark.parametrize(("operation", "usual"), OPERATIONS)
@blocking
def test_every_operation_refuses_an_unknown_critical_control_and_ignores_the_others(
    serving: Serving, operation: Operation, usual: int
) -> None:
    with connected(serving, serving.portal) as client:
        for control in (
            Control(oids.MANAGE_DSA_IT, True),
            Control(oids.DOMAIN_SCOPE, True),
            Control(oids.SYNC_DONE, False, b"x"),
            Control(DEREF, False, b"x"),
        ):
            assert code(client.ask(operation, (control,))) == usual
            client.bind(serving.portal)
        for controls in ((Control("1.2.3", True),), (Control("1.2.3"), Control(oids.MANAGE_DSA_IT), Control("nonsense", True))):
            assert code(client.ask(operation, controls)) == ResultCode.UNAVAILABLE_CRITICAL_EXTENSION


@blocking
def test_every_control_that_is_understood_somewhere_is_advertised_and_no_other(serving: Serving) -> None:
    with connected(serving) as client:
        (entry,), _ = client.search(search_request("", scope=0, attributes=("supportedControl",)))
    advertised = [value.decode() for attribute in entry.attributes for value in attribute.values]
    assert len(advertised) == len(set(advertised))
    assert set(advertised) == frozenset[str]().union(*UNDERSTOOD.values())


def test_every_operation_with_a_response_is_in_the_registry_of_controls() -> None:
    assert UNDERSTOOD.keys() == HANDLERS.keys()


def test_a_search_reports_changes_for_the_controls_of_the_registry() -> None:
    assert dispatch.HANDLERS.keys() == SUBSCRIPTIONS


@blocking
def test_paged_results_on_anything_but_a_search_is_unknown(serving: Serving) -> None:
    with connected(serving, serving.portal) as client:
        answer = client.ask(CompareRequest(ANN, "uid", b"ann"), (Control(oids.PAGED_RESULTS, True, b"x"),))
        assert code(answer) == ResultCode.UNAVAILABLE_CRITICAL_EXTENSION


@blocking
def test_abandon_and_unbind_with_any_control_have_no_answer(serving: Serving) -> None:
    controls = (Control(oids.MANAGE_DSA_IT, True), Control("1.2.3", True))
    with connected(serving, serving.portal) as client:
        client.send(AbandonRequest(1), controls=controls)
        assert len(client.search(search_request(BASE, "(uid=ann)"))[0]) == 1
        client.send(UnbindRequest(), controls=controls)
        assert client.rest() == []
