"""A served Developer API over a real store, with a small directory in it."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import pytest_twisted
from twisted.internet import reactor
from twisted.internet.defer import Deferred

from gateway.app.parts.clock import now
from gateway.changelog.tail import Tail
from gateway.directory.authentication.authentication import Authentication
from gateway.directory.authentication.offline_binds import OfflineBinds
from gateway.directory.authentication.password_change import PasswordChanges
from gateway.directory.authentication.password_check import PasswordCheck
from gateway.directory.authentication.password_hashing import PasswordHashing
from gateway.directory.authentication.soft_lock.lock import SoftLock
from gateway.directory.directory import Directory
from gateway.frontends.developer.routes import DeveloperApi
from gateway.frontends.http.router import make_site
from gateway.model.applications import Application, Scope
from gateway.model.connector import BindAnswer, ChangeAnswer
from gateway.store.engine.database import Database
from gateway.store.operations.instance import instance_id
from gateway.sync.local.source import LocalDoor
from gateway.sync.local.writer import Writer
from gateway.twisted_internals.reactor import installed
from tests.directory.application_scope.stored_directory import StoredDirectory, empty_store, open_store, person
from tests.frontends.http.serving import Response, Serving, fetch


@pytest.fixture(scope="session")
def migrated(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """The bytes of an empty store: migrating costs more than most tests."""
    return empty_store(tmp_path_factory.mktemp("store") / "empty.db")


@pytest.fixture
def database(tmp_path: Path, migrated: bytes) -> Iterator[Database]:
    """An empty store."""
    opened = open_store(tmp_path / "gateway.db", migrated)
    yield opened
    opened.close()


@pytest.fixture
def directory(database: Database) -> StoredDirectory:
    """The store's writer."""
    return StoredDirectory(database)


@dataclass
class Client:
    """Calls the API as one application."""

    port: int
    instance_id: str
    application: Application
    secret: str
    token: str

    @property
    def base(self) -> str:
        """The base path."""
        return f"/v2/{self.instance_id}/{self.application.id}"

    def call(self, method: str, path: str, body: Any = None, **headers: str) -> "Deferred[Response]":
        """One request with the token. `headers`: more of them, `_` for `-`."""
        more = {name.replace("_", "-"): value for name, value in headers.items()}
        return fetch(self.port, method, self.base + path, body, {"Authorization": f"Bearer {self.token}", **more})

    async def done(self, method: str, path: str, body: Any = None, **headers: str) -> Any:
        """The JSON of a request that must succeed."""
        answer = await self.call(method, path, body, **headers)
        assert answer.status == 200, answer.body
        return answer.json

    async def refused(self, method: str, path: str, body: Any = None, **headers: str) -> tuple[int, str, str]:
        """Status, code and sentence of a request that must be refused."""
        answer = await self.call(method, path, body, **headers)
        return answer.status, answer.json["code"], answer.json["message"]

    async def get(self, path: str) -> Any:
        """The JSON of a GET that must succeed."""
        answer = await self.call("GET", path)
        assert answer.status == 200, answer.body
        return answer.json


@dataclass
class World:
    """A served API and what is in it."""

    directory: StoredDirectory
    serving: Serving
    tail: Tail
    instance_id: str

    def client(self, name: str, scope: Scope | None = None, **rights: Any) -> Client:
        """A new application."""
        application, secret = self.directory.application(name, scope, **rights)
        token = self.directory.token(application)
        return Client(self.serving.port, self.instance_id, application, secret, token)


SOURCE_PASSWORDS = "berlin"
"""The source at which `Source` changes passwords."""


class Source:
    """A source that keeps passwords, and takes every new one but "history"."""

    async def authenticate(self, dn: str, password: bytes) -> BindAnswer:
        raise AssertionError("nobody binds over the API")

    async def decoy(self, password: bytes) -> None:
        raise AssertionError("nobody binds over the API")

    async def change(self, dn: str, old: bytes, new: bytes | None) -> ChangeAnswer:
        raise AssertionError("nobody has an old password")

    async def reset(self, dn: str, new: bytes | None) -> ChangeAnswer:
        return ChangeAnswer(19, "Password is in history") if new == b"history" else ChangeAnswer(0)


def password_changes(database: Database, hashing: PasswordHashing) -> PasswordChanges:
    """As the gateway has them, without views; people with an account at `SOURCE_PASSWORDS` have their passwords there."""
    source = Source()
    offline = OfflineBinds(database, hashing, {}, now)
    checked = PasswordCheck(database, {SOURCE_PASSWORDS: source}, hashing, offline)
    authentication = Authentication(Directory([]), database, checked, SoftLock(lambda: 0.0, 5, 60))
    return PasswordChanges(
        database, authentication, checked, hashing, offline, now, changers={}, resetters={SOURCE_PASSWORDS: source}
    )


@pytest.fixture
def serve(directory: StoredDirectory) -> Iterator[Callable[[], World]]:
    """A function that serves the API over the store."""
    worlds: list[World] = []
    hashing = PasswordHashing(installed())

    def start(clock: Any = reactor) -> World:
        tail = Tail(directory.database, installed(), poll_seconds=0.1)
        writer = Writer(directory.database, LocalDoor(now), now)
        changes = password_changes(directory.database, hashing)
        api = DeveloperApi(directory.database, tail, changes, writer, clock=clock, sources=["berlin"])
        serving = Serving(make_site("developer", api.routes(), reactor=reactor))
        worlds.append(World(directory, serving, tail, directory.database.read_blocking(instance_id)))
        return worlds[-1]

    yield start
    for world in worlds:
        world.tail.close()
        pytest_twisted.blockon(Deferred.fromCoroutine(world.serving.end()))
    hashing.close()


@pytest.fixture
def world(serve: Callable[[], World]) -> World:
    """The API served over an empty store."""
    return serve()


@dataclass
class Company:
    """Two departments; sales has a team; everyone is in the group staff, which is in the group all."""

    sales: str
    team: str
    it: str
    ann: str
    bob: str
    eve: str
    staff: str
    everyone: str


@pytest.fixture
def company(directory: StoredDirectory) -> Company:
    """A small company in the store."""
    sales = directory.add_unit("Sales", attributes={"description": ("They sell.",)})
    team, it = directory.add_unit("Team", sales), directory.add_unit("IT")
    ann = directory.add_user(
        "ann",
        sales,
        it,
        attributes={
            "display_name": ("Ann Müller",),
            "email": ("Ann@Example.org", "a.m@example.org"),
            "phone_number": ("+49 30 1234",),
            "given_name": ("Ann",),
            "ssh_public_key": ("ssh-ed25519 AAAA", "ssh-ed25519 BBBB"),
            "photo": (b"\xff\xd8\xff",),
        },
    )
    bob = directory.add_user("bob", team, attributes={"common_name": ("Bob B.",), "email": ("bob@example.org",)}, enabled=False)
    eve = directory.add_user("eve", it, attributes={"email": ("ANN@example.org",)})
    staff = directory.add_group("staff", person(ann), person(bob), person(eve), attributes={"description": ("All of us",)})
    everyone = directory.add_group("everyone", *map(person, (ann,)))
    return Company(sales, team, it, ann, bob, eve, staff, everyone)
