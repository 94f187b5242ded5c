"""A person changes the own password by Modify of userPassword: the forms that programs use, and the rules of Password
Modify."""

from __future__ import annotations

from collections.abc import Iterator

import ldap
import pytest
from structlog.testing import capture_logs

from gateway.directory.authentication.password_hashing import hash_blocking
from gateway.store.objects import passwords
from gateway.wire import controls, oids
from gateway.wire.controls.bind_and_update import PasswordPolicyResponse
from gateway.wire.messages import (
    ADD,
    DELETE,
    REPLACE,
    Control,
    Modification,
    ModifyRequest,
    ModifyResponse,
    PartialAttribute,
)
from gateway.wire.result_codes import ResultCode
from tests.frontends.ldap.client_programs import libldap
from tests.frontends.ldap.company import ANN, BEGAN, DAVE, object_id, upstream_dn
from tests.frontends.ldap.conftest import Serve
from tests.frontends.ldap.serving import Account, Serving, World, blocking
from tests.frontends.ldap.wire_client import WireClient, connected

OLD, NEW = b"dave-secret", b"a new password"
Change = tuple[int, str, tuple[bytes, ...]]


@pytest.fixture
def dave(world: World) -> Iterator[Account]:
    """Nobody vouches for him: his password is kept here."""
    hashed, user_id = hash_blocking(OLD), object_id("dave")
    world.database.write_blocking(lambda c: passwords.set_local(c, user_id, hashed, by="test", now=BEGAN))
    yield Account(DAVE, OLD.decode())
    world.database.write_blocking(lambda c: passwords.clear_local(c, user_id))


def password(operation: int, *values: bytes) -> Change:
    return operation, "userPassword", values


def modify(client: WireClient, name: str, *changes: Change, control: Control | None = None) -> tuple[ModifyResponse, object]:
    modifications = tuple(Modification(operation, PartialAttribute(key, values)) for operation, key, values in changes)
    client.send(ModifyRequest(name, modifications), controls=() if control is None else (control,))
    message = client.receive()
    assert isinstance(message.operation, ModifyResponse)
    return message.operation, controls.find(message.controls, PasswordPolicyResponse)


FORMS: dict[str, tuple[Change, ...]] = {
    "delete and add": (password(DELETE, OLD), password(ADD, NEW)),
    "delete and replace": (password(DELETE, OLD), password(REPLACE, NEW)),
    "delete all and add": (password(DELETE), password(ADD, NEW)),
    "replace": (password(REPLACE, NEW),),
    "by OID": ((DELETE, "2.5.4.35", (OLD,)), (ADD, "2.5.4.35", (NEW,))),
}


@pytest.mark.parametrize("form", FORMS)
@blocking
def test_a_person_changes_the_own_password_and_binds_with_it(serving: Serving, dave: Account, form: str) -> None:
    with capture_logs() as lines, connected(serving, dave) as client:
        answer, _ = modify(client, DAVE.upper(), *FORMS[form])
        assert answer.result.code == 0, answer
        assert client.bind(dave) == ResultCode.INVALID_CREDENTIALS
        assert client.bind(Account(DAVE, NEW.decode())) == 0
    assert NEW.decode() not in repr(lines)
    assert OLD.decode() not in repr(lines)


REFUSED: dict[str, tuple[str, tuple[Change, ...], ResultCode]] = {
    "a wrong old one": (DAVE, (password(DELETE, b"wrong"), password(ADD, NEW)), ResultCode.NO_SUCH_ATTRIBUTE),
    "a short new one": (DAVE, (password(REPLACE, b"short"),), ResultCode.CONSTRAINT_VIOLATION),
    "an empty new one": (DAVE, (password(REPLACE, b""),), ResultCode.CONSTRAINT_VIOLATION),
    "none afterwards": (DAVE, (password(DELETE, OLD),), ResultCode.UNWILLING_TO_PERFORM),
    "replaced by none": (DAVE, (password(REPLACE),), ResultCode.UNWILLING_TO_PERFORM),
    "a second one": (DAVE, (password(ADD, NEW),), ResultCode.CONSTRAINT_VIOLATION),
    "another attribute": (DAVE, ((REPLACE, "userPassword;lang-en", (NEW,)),), ResultCode.UNDEFINED_ATTRIBUTE_TYPE),
    "two at once": (DAVE, (password(REPLACE, NEW, b"another one"),), ResultCode.CONSTRAINT_VIOLATION),
    "another's": (ANN, (password(DELETE, b"ann-secret"), password(ADD, NEW)), ResultCode.INSUFFICIENT_ACCESS_RIGHTS),
    "another's, replaced": (ANN, (password(REPLACE, NEW),), ResultCode.INSUFFICIENT_ACCESS_RIGHTS),
    "with something else": (DAVE, (password(REPLACE, NEW), (REPLACE, "title", (b"x",))), ResultCode.UNWILLING_TO_PERFORM),
}


@pytest.mark.parametrize("why", REFUSED)
@blocking
def test_what_is_no_change_of_the_own_password_is_refused(serving: Serving, dave: Account, why: str) -> None:
    name, changes, code = REFUSED[why]
    with connected(serving, dave) as client:
        assert modify(client, name, *changes)[0].result.code == code
        assert client.bind(dave) == 0


@blocking
def test_a_source_that_keeps_the_password_is_asked_for_the_old_one_and_written_through_to(serve: Serve) -> None:
    serving = serve(password_modify=True)
    ask = Control(oids.PASSWORD_POLICY, False)
    with connected(serving, serving.ann) as client:
        refused, notice = modify(client, ANN, password(REPLACE, NEW), control=ask)
        assert refused.result.code == ResultCode.UNWILLING_TO_PERFORM
        assert "the old password is needed" in refused.result.diagnostic_message
        assert notice == PasswordPolicyResponse(error=4)
        assert modify(client, ANN, password(DELETE, b"ann-secret"), password(ADD, NEW))[0].result.code == 0
        assert serving.upstream.passwords[upstream_dn("ann")] == NEW


@blocking
def test_python_ldap_changes_a_password(serving: Serving, dave: Account) -> None:
    with libldap(serving, dave) as client:
        client.modify_s(DAVE, [(ldap.MOD_DELETE, "userPassword", [OLD]), (ldap.MOD_ADD, "userPassword", [NEW])])
        with pytest.raises(ldap.NO_SUCH_ATTRIBUTE):
            client.modify_s(DAVE, [(ldap.MOD_DELETE, "userPassword", [OLD]), (ldap.MOD_ADD, "userPassword", [NEW])])
    with libldap(serving, Account(DAVE, NEW.decode())) as client:
        assert client.whoami_s()
