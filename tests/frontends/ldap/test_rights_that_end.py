"""Rights that end, at every door: kinds of withdrawal × what an application or a person has open, within two seconds."""

from __future__ import annotations

import socket
import ssl
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
import trustme
from twisted.internet.defer import ensureDeferred

from gateway.app.parts.clock import now
from gateway.frontends.developer.routes import BASE as API
from gateway.frontends.developer.routes import DeveloperApi
from gateway.frontends.http.errors import HttpError
from gateway.frontends.http.request import Request
from gateway.frontends.ldap.server import revocation_sweep
from gateway.frontends.ldap.server.revocation_sweep import CHANGED, WITHDRAWN, WITHDRAWN_FROM_OTHER
from gateway.model.applications import Application, Scope
from gateway.model.changes import Change, ChangeType
from gateway.model.objects import Kind
from gateway.store.clients import access_tokens, application_passwords, applications
from gateway.store.engine.database import Connection
from gateway.store.log import changes
from gateway.store.objects import users
from gateway.store.operations.instance import instance_id
from gateway.sync.local.source import LocalDoor
from gateway.sync.local.writer import Writer
from gateway.wire import controls, oids
from gateway.wire.controls import PersistentSearch, SyncMode, SyncRequest
from gateway.wire.controls.bind_and_update import ProxiedAuthorization
from gateway.wire.controls.persistent_search import ALL_CHANGES
from gateway.wire.messages import BindRequest, BindResponse, Control, ExtendedResponse, SaslAuthentication, SearchResultDone
from gateway.wire.result_codes import ResultCode
from tests.frontends.ldap.bind_names_world import application_name, granted
from tests.frontends.ldap.company import ANN, BASE, BEGAN, object_id
from tests.frontends.ldap.serving import Account, Serving, World, blocking, eventually, in_reactor
from tests.frontends.ldap.wire_client import WireClient, connected, search_request
from tests.servers.pki import Pki

SECONDS = 2.0
"""As README promises."""
CERTIFICATE_NAME = "portal.example.test"
PERSISTENT = controls.control(PersistentSearch(ALL_CHANGES, True, True), True)
CONTENT_SYNC = controls.control(SyncRequest(SyncMode.REFRESH_AND_PERSIST), True)
EVERYONE = search_request(BASE, "(uid=*)")


@dataclass
class Badge:
    """A client certificate, and the authority that has signed it."""

    certificate: Path
    ca: Path


@pytest.fixture(scope="module")
def badge(tmp_path_factory: pytest.TempPathFactory) -> Badge:
    folder, authority = tmp_path_factory.mktemp("badge"), trustme.CA()
    made = Badge(folder / "client.pem", folder / "ca.pem")
    authority.issue_cert(CERTIFICATE_NAME).private_key_and_cert_chain_pem.write_to_path(str(made.certificate))
    authority.cert_pem.write_to_path(str(made.ca))
    return made


@pytest.fixture
def serving(serve: Callable[..., Serving], pki: Pki, badge: Badge, monkeypatch: pytest.MonkeyPatch) -> Serving:
    """A server that looks more often than it does, so that the table is quickly done."""
    monkeypatch.setattr(revocation_sweep, "CHECK_SECONDS", 0.05)
    return serve(pki, client_ca=badge.ca)


def with_certificate(serving: Serving, pki: Pki, badge: Badge) -> WireClient:
    context = ssl.create_default_context(cafile=str(pki.ca))
    context.load_cert_chain(badge.certificate)
    plain = socket.create_connection(("127.0.0.1", serving.tls_port), timeout=20)
    client = WireClient(context.wrap_socket(plain, server_hostname="127.0.0.1"))
    answer = client.ask(BindRequest(3, "", SaslAuthentication("EXTERNAL", b"")))
    assert isinstance(answer, BindResponse) and answer.result.code == 0
    return client


def following(serving: Serving, account: Account, *with_controls: Control) -> WireClient:
    """A client with a search that goes on."""
    client = connected(serving, account)
    before = serving.services.subscriptions.total
    client.send(search_request(BASE, "(uid=nobody)"), controls=with_controls)
    eventually(lambda: serving.services.subscriptions.total > before, "the search")
    return client


class Api:
    """The Developer API over the same store, called without a wire: each chunk of an export is taken when the test says so."""

    def __init__(self, serving: Serving, application: Application) -> None:
        database, changes_of_passwords = serving.world.database, serving.services.password_changes
        assert changes_of_passwords is not None
        writer = Writer(database, LocalDoor(now), now)
        api = DeveloperApi(database, serving.world.tail, changes_of_passwords, writer, clock=serving.services.reactor)
        self._handlers: Mapping[str, Any] = {route.operation: route.handler for route in api.routes()}
        self.token = database.write_blocking(lambda c: access_tokens.issue(c, application.id, 1_200, now()))
        arguments = {"instance_id": database.read_blocking(instance_id), "application_id": application.id}
        self._request = Request("1", "GET", API, "", arguments, headers={"authorization": f"Bearer {self.token}"})
        self._export = self.answer("Export").chunks

    def answer(self, operation: str) -> Any:
        """The answer, or what is raised."""
        return in_reactor(lambda: ensureDeferred(self._handlers[operation](self._request)))

    def chunk(self) -> bytes:
        """The next part of the export."""

        async def following() -> bytes:
            return await anext(self._export)

        return bytes(in_reactor(lambda: ensureDeferred(following())))

    def status(self, ask: Callable[[], object]) -> int:
        """The HTTP status of what is asked."""
        try:
            ask()
        except HttpError as error:
            return error.status
        return 200


class Doors:
    """Everything that one application may have open."""

    def __init__(self, serving: Serving, pki: Pki, badge: Badge, account: Account, application: Application) -> None:
        self.idle = {"secret": connected(serving, account), "certificate": with_certificate(serving, pki, badge)}
        self.busy = {
            "persistent search": following(serving, account, PERSISTENT),
            "content sync": following(serving, account, CONTENT_SYNC),
            "long search": connected(serving, account, receive_buffer=4096),
        }
        self.busy["long search"].send(EVERYONE)
        self.api = Api(serving, application)
        assert b"organization" in self.api.chunk()

    def close(self) -> None:
        for client in (*self.idle.values(), *self.busy.values()):
            client.close()


def last_notice(client: WireClient) -> str:
    """The reason with which the server ended the connection; everything before it is passed over."""
    operation = client.rest()[-1].operation
    assert isinstance(operation, ExtendedResponse) and operation.name == oids.NOTICE_OF_DISCONNECTION, operation
    assert operation.result.code == ResultCode.STRONGER_AUTH_REQUIRED
    return operation.result.diagnostic_message


Withdraw = Callable[[Connection, str], object]
SALES = Scope((object_id("Sales"),), ())

WITHDRAWALS: dict[str, tuple[Withdraw, str, int]] = {
    "removed": (applications.remove, WITHDRAWN, 401),
    "disabled": (lambda c, i: applications.set_enabled(c, i, False), WITHDRAWN, 401),
    "another secret": (applications.replace_secret, WITHDRAWN, 401),
    "the certificate's name taken away": (lambda c, i: applications.set_certificate_names(c, i, ()), WITHDRAWN, 200),
    "another certificate's name": (lambda c, i: applications.set_certificate_names(c, i, ["other.test"]), WITHDRAWN, 200),
    "its view taken away": (lambda c, i: applications.set_rights(c, i, Scope(), ["elsewhere"], None), WITHDRAWN, 200),
    "a narrower scope": (lambda c, i: applications.set_rights(c, i, SALES, (), None), "", 200),
    "fewer attributes": (lambda c, i: applications.set_rights(c, i, Scope(), (), ["cn"]), "", 200),
    "a grant taken away": (lambda c, i: applications.set_grants(c, i, ()), "", 200),
}
"""What is done; why connections that do nothing end ("": they go on, with the new rights); the status of the token."""


@pytest.mark.parametrize("what", WITHDRAWALS)
@blocking
def test_what_an_application_has_open_ends_with_its_rights(
    serving: Serving, world: World, pki: Pki, badge: Badge, what: str
) -> None:
    withdraw, reason, token_status = WITHDRAWALS[what]
    account = granted(world, "write", certificate_names=[CERTIFICATE_NAME])
    application = world.database.read_blocking(lambda c: applications.by_name(c, application_name(account)))
    assert application is not None
    doors = Doors(serving, pki, badge, account, application)
    try:
        world.database.write_blocking(lambda c: withdraw(c, application.id))
        assert doors.api.status(doors.api.chunk) == 401, "the export goes on"
        assert doors.api.status(lambda: doors.api.answer("GetApplicationProvisioningScope")) == token_status
        ended = {name: last_notice(client) for name, client in doors.busy.items()}
        assert ended == dict.fromkeys(doors.busy, reason or CHANGED)
        for client in doors.idle.values():
            if reason:
                assert last_notice(client) == reason
            else:
                assert client.search(search_request(BASE, scope=0))[1].code == 0
    finally:
        doors.close()
        if what != "removed":
            world.database.write_blocking(lambda c: applications.remove(c, application.id))


def people_acting_as(serving: Serving, proxy: Account) -> WireClient:
    """A search that an application carries out as a person and that goes on."""
    return following(serving, proxy, PERSISTENT, controls.control(ProxiedAuthorization("u:ann"), True))


@pytest.fixture
def application_password(world: World) -> Iterator[tuple[str, Account]]:
    """The id of ann's password for an application, and ann with it."""
    ann = object_id("ann")

    def add(connection: Connection) -> tuple[str, str]:
        owner, _ = applications.add(connection, "mailer", now=BEGAN)
        made, password = application_passwords.add(connection, ann, owner.id, "phone", now=BEGAN)
        return made.id, password

    made, password = world.database.write_blocking(add)
    yield made, Account(ANN, password)

    def remove(connection: Connection) -> None:
        owner = applications.by_name(connection, "mailer")
        if owner is not None:
            applications.remove(connection, owner.id)

    world.database.write_blocking(remove)


def set_enabled(connection: Connection, enabled: bool) -> None:
    ann = users.get(connection, object_id("ann"))
    assert ann is not None
    as_now = replace(ann, enabled=enabled)
    users.update(connection, [as_now], ())
    changes.append(connection, [Change(0, BEGAN, Kind.USER, ann.id, ChangeType.UPDATE, "", as_now)])


@blocking
def test_what_a_person_has_open_ends_with_the_person_within_two_seconds(
    serve: Callable[..., Serving], world: World, application_password: tuple[str, Account]
) -> None:
    serving = serve()
    proxy = granted(world, "proxy")
    acting = people_acting_as(serving, proxy)
    ends = [connected(serving, serving.ann), connected(serving, application_password[1])]
    ends.append(following(serving, serving.ann, PERSISTENT))
    world.database.write_blocking(lambda c: set_enabled(c, False))
    began = time.monotonic()
    try:
        assert [last_notice(client) for client in ends] == [WITHDRAWN] * len(ends)
        assert time.monotonic() - began < SECONDS
        done = acting.receive().operation
        assert isinstance(done, SearchResultDone)
        assert (done.result.code, done.result.diagnostic_message) == (ResultCode.AUTHORIZATION_DENIED, WITHDRAWN_FROM_OTHER)
        assert len(acting.search(search_request(BASE, "(uid=bob)"))[0]) == 1, "the application itself goes on"
    finally:
        world.database.write_blocking(lambda c: set_enabled(c, True))
        for client in (acting, *ends):
            client.close()


@pytest.mark.parametrize("what", ["revoked", "its application disabled", "its application removed"])
@blocking
def test_what_is_bound_by_an_application_password_ends_with_it(
    serving: Serving, world: World, application_password: tuple[str, Account], what: str
) -> None:
    password_id, account = application_password

    def withdraw(connection: Connection) -> None:
        owner = applications.by_name(connection, "mailer")
        assert owner is not None
        if what == "revoked":
            application_passwords.remove(connection, object_id("ann"), password_id)
        elif what == "its application disabled":
            applications.set_enabled(connection, owner.id, False)
        else:
            applications.remove(connection, owner.id)

    with connected(serving, serving.ann) as own, connected(serving, account) as client:
        world.database.write_blocking(withdraw)
        assert last_notice(client) == WITHDRAWN
        assert len(own.search(search_request(BASE, "(uid=ann)"))[0]) == 1, "the own password is another"


@blocking
def test_a_token_that_expires_during_an_export_ends_nothing_and_one_that_is_revoked_does(
    serving: Serving, world: World
) -> None:
    account = granted(world)
    application = world.database.read_blocking(lambda c: applications.by_name(c, application_name(account)))
    assert application is not None
    expiring, revoked = Api(serving, application), Api(serving, application)
    assert expiring.chunk() and revoked.chunk()
    world.database.write_blocking(lambda c: access_tokens.revoke(c, revoked.token, application.id))
    assert (revoked.status(revoked.chunk), expiring.status(expiring.chunk)) == (401, 200)
