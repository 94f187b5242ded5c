"""Programs that keep up with Active Directory by update sequence numbers, as Jira and Crowd do: highestCommittedUSN,
uSNChanged, tombstones, invocationId."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
import pytest_twisted
from twisted.internet.defer import ensureDeferred

from gateway.model.deltas import Delta, DeltaType
from gateway.model.objects import Kind
from gateway.store.log import epoch
from gateway.wire import oids
from gateway.wire.messages import Control
from tests.frontends.ldap.serving import Serving, blocking, eventually
from tests.frontends.ldap.wire_client import WireClient, connected, search_request
from tests.frontends.ldap.writable_world import AD, WritableWorld, said, staff

DELETED = f"CN=Deleted Objects,{AD}"
SHOW_DELETED = Control(oids.SHOW_DELETED, True)
Connect = Callable[..., WireClient]
SALES, IT = "ou=sales,dc=berlin", "ou=it,dc=berlin"


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[WritableWorld]:
    made = WritableWorld(tmp_path)
    pytest_twisted.blockon(ensureDeferred(made.start()))
    yield made
    pytest_twisted.blockon(ensureDeferred(made.stop()))


@pytest.fixture
def serving(desk: WritableWorld) -> Iterator[Serving]:
    world: Any = desk
    started = Serving(world, writer=desk.writer)
    yield started
    pytest_twisted.blockon(ensureDeferred(started.end()))


@pytest.fixture
def client_of(serving: Serving) -> Iterator[Connect]:
    """Connects, bound as the account if there is one."""
    with ExitStack() as stack:
        yield lambda account=None: stack.enter_context(connected(serving, account))


def person(name: str, unit: str = SALES, **attributes: str) -> Delta:
    return said(Kind.USER, name, f"uid={name},{unit}", family_name=name, **attributes)


def gone(name: str) -> Delta:
    return Delta(DeltaType.DELETE, Kind.USER, name)


def report(desk: WritableWorld, *deltas: Delta) -> None:
    """Report the deltas, and wait until the views have them."""
    desk.report(*deltas)
    last = desk.log()[-1].number
    eventually(lambda: all(follower.position >= last for follower in desk.followers), "the views' position")


class Poller:
    """A program that keeps users by their objectGUID, the way Crowd does it."""

    def __init__(self, client: WireClient) -> None:
        self.client = client
        self.known: dict[bytes, str] = {}
        self.last, self.history = 0, b""

    def root(self, name: str) -> str:
        [entry], _ = self.client.search(search_request("", scope=0, attributes=(name,)))
        return values(entry)[name][0].decode()

    def invocation_id(self) -> bytes:
        [entry], _ = self.client.search(search_request(self.root("dsServiceName"), scope=0, attributes=("invocationId",)))
        return values(entry)["invocationId"][0]

    def poll(self) -> tuple[set[str], set[bytes]]:
        """Return the names that were read, and the objects that were found deleted."""
        highest = int(self.root("highestCommittedUSN"))
        if self.history != (history := self.invocation_id()):
            self.known, self.last, self.history = {}, 0, history
        since = f"(uSNChanged>={self.last + 1})"
        changed, done = self.client.search(search_request(AD, f"(&(objectCategory=person){since})"))
        assert done.code == 0
        read = {values(entry)["objectGUID"][0]: values(entry)["sAMAccountName"][0].decode() for entry in changed}
        tombstones, done = self.client.search(
            search_request(DELETED, f"(&(isDeleted=TRUE)(objectClass=user){since})", 1, ("objectGUID", "uSNChanged")),
            SHOW_DELETED,
        )
        assert done.code == 0
        deleted = {values(entry)["objectGUID"][0] for entry in tombstones}
        self.known |= read
        for guid in deleted:
            self.known.pop(guid, None)
        self.last = highest
        return set(read.values()), deleted


def values(entry: Any) -> dict[str, list[bytes]]:
    return {attribute.type: list(attribute.values) for attribute in entry.attributes}


@blocking
def test_a_poller_sees_each_change_once_and_what_is_gone(desk: WritableWorld, client_of: Connect) -> None:
    poller = Poller(client_of(desk.portal))
    assert poller.poll() == ({"anna", "bert"}, set())
    assert poller.poll() == (set(), set())
    report(desk, person("anna", title="Queen"))
    report(desk, person("carl"))
    assert poller.poll() == ({"anna", "carl"}, set())
    assert poller.poll() == (set(), set())
    carl = next(guid for guid, name in poller.known.items() if name == "carl")
    report(desk, gone("carl"))
    assert poller.poll() == (set(), {carl})
    assert poller.poll() == (set(), set())
    report(desk, staff("bert"))
    assert poller.poll() == (set(), set())
    assert set(poller.known.values()) == {"anna", "bert"}


@blocking
def test_tombstones_are_shown_to_who_asks_for_them_and_keep_the_identity(desk: WritableWorld, client_of: Connect) -> None:
    client = client_of(desk.portal)
    name = f"CN=bert,CN=Users,{AD}"
    [bert], _ = client.search(search_request(name, scope=0, attributes=("*", "uSNCreated")))
    before = values(bert)
    report(desk, gone("bert"))
    assert client.search(search_request(name, scope=0))[1].code == 32
    assert client.search(search_request(DELETED))[1].code == 32
    assert client.search(search_request(AD, "(isDeleted=TRUE)"))[0] == []
    found, done = client.search(search_request(AD, "(isDeleted=TRUE)"), SHOW_DELETED)
    assert done.code == 0
    [container, tombstone] = found
    assert container.object_name == DELETED
    kept = values(tombstone)
    for attribute in ("objectGUID", "sAMAccountName", "objectClass", "uSNCreated"):
        assert kept[attribute] == before[attribute]
    assert kept["lastKnownParent"] == [f"CN=Users,{AD}".encode()]
    assert (kept["isDeleted"], kept["isRecycled"]) == ([b"TRUE"], [b"TRUE"])
    assert kept["uSNChanged"] == [b"%d" % desk.log()[-1].number]
    assert "mail" not in kept and "sn" not in kept
    assert "\\0ADEL:" in tombstone.object_name
    again, _ = client.search(search_request(tombstone.object_name, scope=0, attributes=("cn",)), SHOW_DELETED)
    assert [list(values(entry)) for entry in again] == [["cn"]]
    both, _ = client.search(search_request(AD, "(sAMAccountName=*)", attributes=("sAMAccountName",)), SHOW_DELETED)
    assert sorted(values(entry)["sAMAccountName"][0] for entry in both) == [b"anna", b"bert", b"staff"]
    nothing, done = client.search(search_request(f"CN=x,{DELETED}", scope=0), SHOW_DELETED)
    assert (nothing, done.code) == ([], 32)
    report(desk, person("bert", IT))
    assert [e.object_name for e in client.search(search_request(DELETED, scope=1), SHOW_DELETED)[0]] == []


@blocking
def test_law_13_tombstones_show_no_one_who_was_outside_of_the_scope(desk: WritableWorld, client_of: Connect) -> None:
    client = client_of(desk.narrow)

    def tombstones() -> list[str]:
        found, done = client.search(search_request(DELETED, "(objectClass=user)", 1, ("sAMAccountName",)), SHOW_DELETED)
        assert done.code == 0
        return sorted(values(entry)["sAMAccountName"][0].decode() for entry in found)

    report(desk, person("carl", IT), person("dora"), person("emil"))
    report(desk, gone("bert"), gone("dora"))
    assert tombstones() == ["dora"]
    report(desk, person("anna", IT))
    assert tombstones() == ["anna", "dora"]
    report(desk, person("anna", IT, display_name="Anna Renamed"))
    assert tombstones() == ["anna", "dora"]
    # The unit comes into the scope: those who left it before were never seen, who is in it now is there.
    report(desk, said(Kind.ORGANIZATION, "it", "ou=it,ou=sales,dc=berlin"))
    assert tombstones() == ["dora"]
    report(desk, gone("carl"))
    assert tombstones() == ["carl", "dora"]
    # And out of it again: what was shown while it was inside stays known, others do not become so.
    report(desk, said(Kind.ORGANIZATION, "it", "ou=it,dc=berlin"))
    report(desk, person("fred", IT))
    report(desk, gone("fred"))
    assert "fred" not in tombstones() and {"carl", "dora"} <= set(tombstones())


@blocking
def test_people_whom_a_unit_takes_out_of_the_scope_have_tombstones(desk: WritableWorld, client_of: Connect) -> None:
    team, inner = "ou=team,ou=sales,dc=berlin", "ou=inner,ou=team,ou=sales,dc=berlin"
    report(desk, said(Kind.ORGANIZATION, "team", team), said(Kind.ORGANIZATION, "inner", inner))
    report(desk, person("carl", team), person("dora", inner), person("emil", team))
    pollers = Poller(client_of(desk.narrow)), Poller(client_of(desk.portal))
    assert pollers[0].poll() == ({"anna", "carl", "dora", "emil"}, set())
    pollers[1].poll()
    away = "ou=team,ou=it,dc=berlin"
    report(desk, said(Kind.ORGANIZATION, "team", away))
    late = Poller(client_of(desk.narrow))
    report(desk, person("emil", IT), person("fred", away))
    # Who left, whatever became of them since; who came after that was never seen.
    assert pollers[0].poll()[0] == set() and set(pollers[0].known.values()) == {"anna"}
    assert len(late.poll()[1]) == 3 and pollers[0].poll() == (set(), set())
    pollers[1].poll()
    assert set(pollers[1].known.values()) == {"anna", "bert", "carl", "dora", "emil", "fred"}
    # Back in the scope nobody is gone any more, but who went elsewhere.
    report(desk, said(Kind.ORGANIZATION, "team", team))
    tombstones, done = pollers[0].client.search(search_request(DELETED, "(objectClass=user)", 1), SHOW_DELETED)
    assert done.code == 0 and [values(one)["sAMAccountName"] for one in tombstones] == [[b"emil"]]


@blocking
def test_another_history_has_another_invocation_id(desk: WritableWorld, client_of: Connect) -> None:
    poller = Poller(client_of(desk.portal))
    poller.poll()
    known, history = dict(poller.known), poller.history
    assert poller.invocation_id() == history
    follower = next(one for one in desk.followers if one.view.kind == "ad")
    reader = follower.reader
    desk.database.write_blocking(epoch.renew)
    desk.report(gone("bert"))
    eventually(lambda: follower.reader is not None and follower.reader is not reader, "a new file")
    read, _ = poller.poll()
    assert poller.history != history
    assert read == {"anna"} and set(poller.known.values()) == {"anna"} != set(known.values())


@blocking
def test_who_is_not_bound_learns_no_number_and_no_tombstone(desk: WritableWorld, client_of: Connect) -> None:
    client = client_of()
    [entry], _ = client.search(search_request("", scope=0))
    assert "highestCommittedUSN" not in values(entry) and values(entry)["defaultNamingContext"] == [AD.encode()]
    assert client.search(search_request(DELETED), SHOW_DELETED)[1].code == 50
    service = values(entry)["dsServiceName"][0].decode()
    assert client.search(search_request(service, scope=0))[1].code == 50


@blocking
def test_the_configuration_can_be_read_and_is_no_part_of_the_domain(desk: WritableWorld, client_of: Connect) -> None:
    client = client_of(desk.narrow)
    [root], _ = client.search(search_request("", scope=0))
    told = {name: found[0].decode() for name, found in values(root).items()}
    for name in ("configurationNamingContext", "schemaNamingContext", "serverName", "dsServiceName", "defaultNamingContext"):
        [entry], done = client.search(search_request(told[name], scope=0))
        assert (entry.object_name, done.code) == (told[name], 0)
    configuration = told["configurationNamingContext"]
    [domain], _ = client.search(search_request(f"CN=Partitions,{configuration}", f"(nCName={AD})", 1))
    assert values(domain)["nETBIOSName"] == [b"AD"]
    assert client.search(search_request(AD, "(objectClass=nTDSDSA)"))[0] == []
    [service], _ = client.search(search_request(configuration, "(objectClass=nTDSDSA)", attributes=("cn",)))
    assert service.object_name == told["dsServiceName"]
    assert client.search(search_request(f"CN=x,{configuration}"))[1].code == 32


NUMBERS = {
    "(uSNChanged>=1)": 2,
    "(uSNChanged>=999999999999999999999999)": 0,
    "(uSNChanged>=-5)": 2,
    "(uSNChanged<=0)": 0,
    "(!(uSNChanged>=1))": 0,
    "(!(uSNChanged<=0))": 2,
    "(uSNCreated>=1)": 2,
    "(uSNCreated=0)": 0,
    "(uSNChanged=*)": 2,
    "(|(uSNChanged>=999)(cn=anna))": 1,
    "(uSNChanged=x)": 0,
    "(!(uSNChanged=x))": 0,
    "(uSNChanged=*1*)": 0,
    "(uSNChanged:1.2.840.113556.1.4.804:=127)": 2,
    "(uSNChanged:1.2.840.113556.1.4.803:=0)": 2,
}
"""What is asserted of the two people's numbers, and how many it is true of."""


@blocking
def test_numbers_can_be_asserted_whatever_else_may_be_read(desk: WritableWorld, client_of: Connect) -> None:
    for client in (client_of(desk.portal), client_of(desk.blind)):
        for text, expected in NUMBERS.items():
            request = search_request(AD, f"(&(objectClass=user){text})", attributes=("uSNChanged", "uSNCreated"))
            found, done = client.search(request)
            assert (text, len(found), done.code) == (text, expected, 0)
            for entry in found:
                numbers = {name: int(one[0]) for name, one in values(entry).items()}
                assert 0 < numbers["uSNCreated"] <= numbers["uSNChanged"] <= desk.log()[-1].number
