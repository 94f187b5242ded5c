"""Just-in-time provisioning, with scripted sources and a clock turned by hand: the order in which sources are asked, what is
remembered, and what becomes of new users."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest
from pytest_twisted import ensureDeferred
from structlog.testing import capture_logs
from twisted.internet import reactor
from twisted.internet.defer import Deferred
from twisted.internet.task import Clock, deferLater

from gateway.directory import read_your_writes
from gateway.directory.authentication import jit
from gateway.directory.authentication.authentication import Authentication, InvalidCredentials
from gateway.directory.authentication.jit import MAX_LOGINS, UNKNOWN_NAME_SECONDS, JitOutcome, JitProvisioning, JitSource
from gateway.directory.authentication.offline_binds import OfflineBinds
from gateway.directory.authentication.password_check import PasswordCheck
from gateway.directory.authentication.soft_lock.lock import SoftLock
from gateway.directory.directory import Directory
from gateway.directory.read_your_writes import ReadYourWrites
from gateway.model.connector import BindAnswer, BindOutcome
from gateway.model.deltas import Delta, DeltaType
from gateway.model.errors import Busy, SourceUnavailable
from gateway.model.jit import DecidedElsewhere, ProvisionedUser
from gateway.model.ldap.dn import InvalidDN
from gateway.model.objects import Kind
from gateway.store.clients import application_passwords
from tests.directory.binding import ANNA, CY, MAX_FAILURES, PEOPLE, Bed, Upstream

ZOE = "cn=zoe,o=hr"


def person(name: str, dn: str = "", problem: str = "") -> Delta:
    said: dict[str, tuple[str, ...]] = {"username": (name,)}
    return Delta(DeltaType.UPSERT, Kind.USER, f"id-{name}", dn or f"cn={name},o=hr", said, problem=problem)


@dataclass
class UserLookup:
    """A source that is asked; it knows people by login name and notes down what it was asked."""

    people: dict[str, Sequence[Delta]] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    is_down: bool = False

    async def look_up(self, login: str) -> Sequence[Delta]:
        self.asked.append(login)
        if self.is_down:
            raise SourceUnavailable("the source hr cannot be reached")
        return self.people.get(login.lower(), ())


@dataclass
class Door:
    """A provisioner that makes every record the user of the script; `user_id` None: no user."""

    user_id: str | None = ANNA.id
    number: int = 1
    decided_elsewhere: bool = False
    provisioned: list[tuple[str, str]] = field(default_factory=list)

    async def provision(self, source_id: str, delta: Delta) -> ProvisionedUser | None:
        if self.decided_elsewhere:
            raise DecidedElsewhere(ANNA.id)
        self.provisioned.append((source_id, delta.external_id))
        return None if self.user_id is None else ProvisionedUser(self.user_id, self.number)


class Gate:
    """Two sources with just-in-time provisioning."""

    def __init__(self) -> None:
        self.clock = Clock()
        self.door = Door()
        self.finders = {"hr": UserLookup({"zoe": [person("zoe")]}), "crm": UserLookup()}
        self.upstreams = {"hr": Upstream({ZOE: b"right"}), "crm": Upstream({"cn=zoe,o=crm": b"other"})}
        sources = [JitSource(name, finder, self.upstreams[name]) for name, finder in self.finders.items()]
        self.jit = JitProvisioning(sources, self.door, self.clock.seconds)

    async def admit(self, *logins: str, password: bytes = b"right") -> JitOutcome | None:
        return await self.jit.provision(logins, password)


@pytest.fixture
def gate() -> Gate:
    return Gate()


@ensureDeferred
async def test_a_user_who_is_found_and_authenticated_is_provisioned(gate: Gate) -> None:
    outcome = await gate.admit("Zoe")
    assert outcome == JitOutcome(ProvisionedUser(ANNA.id, 1), "hr")
    assert gate.door.provisioned == [("hr", "id-zoe")]
    assert gate.upstreams["hr"].asked == [ZOE], "by the name that the source gave"
    assert gate.finders["crm"].asked == []


@ensureDeferred
async def test_a_wrong_password_is_refused_and_the_next_source_is_asked(gate: Gate) -> None:
    assert await gate.admit("zoe", password=b"wrong") == JitOutcome(None, "hr")
    gate.finders["crm"].people["zoe"] = [person("zoe", "cn=zoe,o=crm")]
    outcome = await gate.admit("zoe", password=b"other")
    assert outcome is not None
    assert outcome.source_id == "crm"
    assert gate.door.provisioned == [("crm", "id-zoe")]


@ensureDeferred
async def test_why_the_source_refused_an_unknown_user_is_kept_for_the_audit(
    gate: Gate, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def disabled(dn: str, password: bytes) -> BindAnswer:
        return BindAnswer(BindOutcome.REFUSED, reason="the account is disabled")

    monkeypatch.setattr(gate.upstreams["hr"], "authenticate", disabled)
    assert await gate.admit("zoe") == JitOutcome(None, "hr", reason="the account is disabled")


@ensureDeferred
async def test_a_user_may_be_known_by_the_user_principal_name(gate: Gate) -> None:
    zoe = person("zoe")
    zoe = replace(zoe, attributes={**zoe.attributes, "user_principal_name": ("Zoe.Z@mail.test",)})
    gate.finders["hr"].people = {"zoe.z@mail.test": [zoe], "zoe.z": [zoe], " ": [person("yan")]}
    assert await gate.admit("zoe.z@MAIL.test") == JitOutcome(ProvisionedUser(ANNA.id, 1), "hr")
    assert await gate.admit("zoe.z") is None, "a part of the name is not the name"
    assert await gate.admit(" ") is None, "a name that a record lacks is not an empty one"


@ensureDeferred
async def test_an_unknown_name_is_remembered_for_some_seconds(gate: Gate) -> None:
    for name in ("yan", "YAN", "Yan "):
        assert await gate.admit(name.strip()) is None
    assert gate.finders["hr"].asked == ["yan"]
    gate.clock.advance(UNKNOWN_NAME_SECONDS)
    assert await gate.admit("yan") is None
    assert gate.finders["hr"].asked == ["yan", "yan"]


@ensureDeferred
async def test_the_unknown_names_that_are_remembered_are_bounded(gate: Gate, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(jit, "MAX_REMEMBERED", 3)
    for name in ("a", "b", "c", "d", "b", "a"):
        await gate.admit(name)
    assert gate.finders["hr"].asked == ["a", "b", "c", "d", "a"]


@ensureDeferred
async def test_a_known_name_with_a_wrong_password_is_not_remembered_as_unknown(gate: Gate) -> None:
    await gate.admit("zoe", password=b"wrong")
    outcome = await gate.admit("zoe")
    assert outcome is not None
    assert outcome.provisioned is not None


@ensureDeferred
async def test_of_many_login_names_few_are_tried(gate: Gate) -> None:
    assert await gate.admit(*(f"name{number}" for number in range(MAX_LOGINS + 2)), "zoe") is None
    assert len(gate.finders["hr"].asked) == MAX_LOGINS


@ensureDeferred
async def test_the_first_login_name_that_a_source_knows_counts(gate: Gate) -> None:
    outcome = await gate.admit("zoe@corp", "zoe")
    assert outcome is not None
    assert gate.finders["hr"].asked == ["zoe@corp", "zoe"]


@pytest.mark.parametrize(
    "found",
    [
        [person("zoe", "cn=1"), person("zoe", "cn=2")],
        [person("zoe2")],
        [Delta(DeltaType.UPSERT, Kind.USER, "x", "")],
        [person("zoe", problem="no name")],
    ],
)
@ensureDeferred
async def test_a_name_of_several_users_or_of_none_is_unknown(gate: Gate, found: list[Delta]) -> None:
    gate.finders["hr"].people["zoe"] = found
    assert await gate.admit("zoe") is None
    assert gate.upstreams["hr"].asked == []


@pytest.mark.parametrize("part", ["finder", "upstream"])
@ensureDeferred
async def test_a_source_that_cannot_be_asked_is_unavailable_and_nothing_is_remembered(gate: Gate, part: str) -> None:
    if part == "finder":
        gate.finders["hr"].is_down = True
    else:
        gate.upstreams["hr"].is_down = True
    for _ in range(2):
        with pytest.raises(SourceUnavailable):
            await gate.admit("zoe")
    assert gate.finders["hr"].asked == ["zoe", "zoe"]
    assert gate.door.provisioned == []


@ensureDeferred
async def test_a_source_that_is_down_does_not_matter_when_another_lets_in(gate: Gate) -> None:
    gate.finders["hr"].is_down = True
    gate.finders["crm"].people["zoe"] = [person("zoe", "cn=zoe,o=crm")]
    outcome = await gate.admit("zoe", password=b"other")
    assert outcome is not None
    assert outcome.source_id == "crm"
    with pytest.raises(SourceUnavailable):
        await gate.admit("zoe", password=b"wrong")


@ensureDeferred
async def test_whom_the_door_leaves_out_is_refused(gate: Gate) -> None:
    gate.door.user_id = None
    assert await gate.admit("zoe") == JitOutcome(None, "hr", reason=jit.LEFT_OUT)


@ensureDeferred
async def test_law_14_who_belongs_to_a_user_of_another_source_is_refused_and_the_next_source_is_asked(gate: Gate) -> None:
    gate.door.decided_elsewhere = True
    with capture_logs() as logs:
        refused = await gate.admit("zoe")
    assert refused is not None
    assert (refused.provisioned, refused.source_id) == (None, "hr")
    assert "does not count" in refused.reason
    assert [(line["event"], line["user_id"]) for line in logs] == [("user belongs to another", ANNA.id)]
    gate.door.decided_elsewhere = False
    gate.finders["crm"].people["zoe"] = [person("zoe", "cn=zoe,o=crm")]
    assert (await gate.admit("zoe", password=b"other")) == JitOutcome(ProvisionedUser(ANNA.id, 1), "crm")


class Entry(Bed):
    """Binds with just-in-time provisioning."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.gate = Gate()
        self.follower.position = 0
        self.follower.on_change = []

    def build(self, **of_view: Any) -> Authentication:
        self.follower.view = replace(self.follower.view, **of_view)
        directory = Directory([self.follower])
        offline = OfflineBinds(self.world.database, self.hashing, {}, self.now)
        upstreams = {"hr": self.hr, "crm": self.crm}
        passwords = PasswordCheck(self.world.database, upstreams, self.hashing, offline, self.gate.jit)
        lock = SoftLock(self.clock.seconds, MAX_FAILURES, 60)
        return Authentication(
            directory, self.world.database, passwords, lock, read_your_writes=ReadYourWrites(directory, self.gate.clock)
        )


@pytest.fixture
def entry(tmp_path: Path) -> Iterator[Entry]:
    made = Entry(tmp_path)
    yield made
    made.close()


FORMS = frozenset({"dn", "login", "principal", "domain"})


@pytest.mark.parametrize("name", ["zoe", f"uid=Zoe,{PEOPLE}", "zoe@example.com", "EXAMPLE\\zoe"])
@ensureDeferred
async def test_a_bind_under_any_name_is_that_persons_when_the_view_has_them(entry: Entry, name: str) -> None:
    entry.authentication = entry.build(bind_names=FORMS, domain="example.com", netbios="EXAMPLE")
    entry.gate.door.number = 7
    bind = entry.authentication.bind(name, b"right", "192.0.2.1:5")
    answer = Deferred.fromCoroutine(bind)
    for _ in range(200):
        if entry.follower.on_change:
            break
        await _turn()
    assert not answer.called, "it waits for the view"
    entry.follower.position = 7
    for tell in tuple(entry.follower.on_change):
        tell()
    bound = await answer
    assert (bound.party.user_id, bound.party.proved) == (ANNA.id, True)
    assert entry.follower.on_change == []
    assert entry.gate.finders["hr"].asked[-1].lower() == "zoe"


@ensureDeferred
async def test_a_view_that_does_not_follow_is_busy(entry: Entry) -> None:
    entry.authentication = entry.build(bind_names=FORMS)
    entry.gate.door.number = 7
    answer = Deferred.fromCoroutine(entry.authentication.bind("zoe", b"right", "192.0.2.1:5"))
    for _ in range(200):
        if entry.follower.on_change:
            break
        await _turn()
    entry.gate.clock.advance(read_your_writes.VIEW_SECONDS)
    with pytest.raises(Busy):
        await answer


@pytest.mark.parametrize("user_id", [CY.id, "00000000-0000-4000-8000-00000000abcd"])
@ensureDeferred
async def test_a_new_user_who_may_not_log_in_or_is_in_no_view_is_refused(entry: Entry, user_id: str) -> None:
    entry.authentication = entry.build(bind_names=FORMS)
    entry.gate.door.user_id, entry.gate.door.number = user_id, 0
    await entry.refused("zoe", b"right")


@pytest.mark.parametrize(
    "name",
    [
        f"cn=zoe,{PEOPLE}",
        f"uid=zoe+cn=x,{PEOPLE}",
        "uid=zoe,dc=elsewhere",
        f"uid=anna,{PEOPLE}",
        f"uid=cy,{PEOPLE}",
    ],
)
@ensureDeferred
async def test_a_known_user_or_a_name_that_is_no_persons_in_the_view_is_not_looked_up(entry: Entry, name: str) -> None:
    entry.authentication = entry.build(bind_names=FORMS)
    await entry.refused(name)
    assert entry.gate.finders["hr"].asked == []


@ensureDeferred
async def test_where_names_are_no_dns_a_dn_is_not_looked_up_and_the_other_way_round(entry: Entry) -> None:
    entry.authentication = entry.build(bind_names=frozenset({"login"}))
    await entry.refused(f"uid=zoe,{PEOPLE}")
    entry.authentication = entry.build(bind_names=frozenset({"dn"}))
    with pytest.raises(InvalidDN):
        await entry.bind("zoe", b"right")
    assert entry.gate.finders["hr"].asked == []


@ensureDeferred
async def test_an_application_password_of_an_unknown_name_is_not_sent_to_a_source(entry: Entry) -> None:
    entry.authentication = entry.build(bind_names=FORMS)
    password = b"gwap_abcdefgh_" + b"x" * 32
    assert application_passwords.has_form(password)
    await entry.refused("zoe", password)
    assert entry.gate.finders["hr"].asked == []


@ensureDeferred
async def test_law_13_the_soft_lock_holds_for_all_forms_of_an_unknown_name_before_a_source_is_asked(entry: Entry) -> None:
    entry.authentication = entry.build(bind_names=FORMS, domain="example.com", netbios="EXAMPLE")
    for name in ("zoe", f"uid=zoe,{PEOPLE}", "zoe@example.com"):
        await entry.refused(name)
    assert len(entry.gate.upstreams["hr"].asked) == MAX_FAILURES
    await entry.refused("EXAMPLE\\zoe", b"right")
    assert len(entry.gate.upstreams["hr"].asked) == MAX_FAILURES


@ensureDeferred
async def test_an_unknown_name_costs_the_question_that_a_wrong_password_costs(entry: Entry) -> None:
    entry.authentication = entry.build(bind_names=FORMS)
    with pytest.raises(InvalidCredentials):
        await entry.authentication.bind("yan", b"wrong", "192.0.2.1:5")
    assert entry.hr.asked == ["decoy"]
    await entry.refused("zoe")
    assert (entry.hr.asked, entry.gate.upstreams["hr"].asked) == (["decoy"], [ZOE])


async def _turn() -> None:
    await deferLater(reactor, 0.005)
