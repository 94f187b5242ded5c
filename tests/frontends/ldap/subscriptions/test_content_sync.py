"""Replication out (RFC 4533): a real slapd with the recipe of conf/clients has what the view has, after whatever happens."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from random import Random

import pytest
import pytest_twisted
from twisted.internet.defer import ensureDeferred

from gateway.connectors.ldap.client.settings import Upstream
from gateway.connectors.ldap.openldap.settings import OpenLDAPSettings, openldap_kind_settings
from gateway.connectors.ldap.openldap.source import OpenLDAPSource
from gateway.directory.view_file import history
from gateway.model.objects import ROOT_ORGANIZATION_ID, Kind
from tests.connectors.record_replica import FollowingReplica
from tests.directory.random_worlds import History
from tests.directory.worlds import BASE, group, organization, user
from tests.frontends.ldap.client_programs import tool
from tests.frontends.ldap.replica_world import Consumer, Entries, ReplicaWorld, context_csn, entries, in_reactor
from tests.frontends.ldap.serving import Account, Serving, blocking, eventually

NORTH, SOUTH = organization(1, "North"), organization(2, "South")
INSIDE = organization(3, "Inside", NORTH.id)
ANNA = user(10, "anna", [INSIDE.id], email=["anna@example.test"], ssh_public_key=["ssh-ed25519 AAAA"])
BEN = user(11, "ben", [SOUTH.id], uid_number=["1000"], gid_number=["1000"], home_directory=["/home/ben"])
STAFF = group(20, "Staff", gid_number=["7"])

Consume = Callable[..., Consumer]


@pytest.fixture
def changing(tmp_path: Path) -> Iterator[ReplicaWorld]:
    """Two regions, two people and a group."""
    made = ReplicaWorld(tmp_path, organization_ids=(NORTH.id,))
    made.store.put(NORTH, SOUTH, INSIDE, ANNA, BEN, STAFF)
    made.store.join(STAFF, ANNA, BEN)
    pytest_twisted.blockon(ensureDeferred(made.start()))
    yield made
    pytest_twisted.blockon(ensureDeferred(made.stop()))


@pytest.fixture
def gateway(changing: ReplicaWorld) -> Iterator[Serving]:
    """The server."""
    served = Serving(changing)  # type: ignore[arg-type]
    yield served
    pytest_twisted.blockon(ensureDeferred(served.end()))


@pytest.fixture
def consume(gateway: Serving, changing: ReplicaWorld, tmp_path: Path) -> Iterator[Consume]:
    """Starts a replica; options as Consumer.configure takes them."""
    started: list[Consumer] = []

    def start(*, narrow: bool = False, **replaced: str) -> Consumer:
        account = changing.narrow if narrow else changing.portal
        started.append(Consumer(tmp_path / f"replica{len(started)}", gateway.url, account, **replaced).start())
        return started[-1]

    yield start
    for one in started:
        one.stop()


class Pair:
    """A view and its replica."""

    def __init__(self, changing: ReplicaWorld, gateway: Serving, replica: Consumer, *, narrow: bool = False) -> None:
        self._changing = changing
        self._gateway = gateway
        self._account = changing.narrow if narrow else changing.portal
        self.replica = replica

    def agree(self, what: str = "the replica") -> None:
        """Waits until both have the same entries."""
        self._changing.follow()
        expected = self._compared(entries(self._gateway.url, self._account))
        try:
            eventually(lambda: self._compared(self.replica.entries()) == expected, what)
        except AssertionError:
            assert self._compared(self.replica.entries()) == expected, what  # which says what differs
            raise

    def _compared(self, found: Entries) -> Entries:
        """A replica that is shown a part gets no entryCSN, and makes one."""
        hidden = () if self._account is self._changing.portal else ("entryCSN",)
        return {name: {kind: values for kind, values in one.items() if kind not in hidden} for name, one in found.items()}

    def agree_on_position(self) -> None:
        """Waits until the replica says of itself that it has everything, as monitoring asks for it."""
        eventually(lambda: self.replica.csn() == context_csn(self._gateway.url, self._account), "the position")


@blocking
def test_a_replica_follows_whatever_happens(changing: ReplicaWorld, gateway: Serving, consume: Consume) -> None:
    pair, store = Pair(changing, gateway, consume()), changing.store
    pair.agree("what there is")
    store.put(user(12, "cy", [NORTH.id]), replace(ANNA, attributes={"title": ("Head",)}))
    pair.agree("an added and a changed entry")
    store.put(replace(ANNA, username="anne"))
    pair.agree("a renamed one, and the group that lists it")
    store.put(replace(NORTH, name="Nord"))
    pair.agree("a renamed organization with everything below it")
    store.put(replace(INSIDE, parent_id=ROOT_ORGANIZATION_ID))
    pair.agree("a moved organization")
    store.delete(STAFF, BEN)
    pair.agree("removed entries")
    store.put(user(13, "dee"), user(14, "eve"), group(21, "Twins"), group(22, "Twins"))
    pair.agree("two of one name")
    store.update_users([user(13, "eve"), user(14, "dee")])
    store.delete(group(21, "Twins"))
    pair.agree("swapped names, and a name that is free")
    pair.agree_on_position()


@blocking
def test_a_replica_that_asks_now_and_then_follows_too(changing: ReplicaWorld, gateway: Serving, consume: Consume) -> None:
    pair = Pair(changing, gateway, consume(type="refreshOnly", interval="00:00:00:01"))
    pair.agree()
    changing.store.put(replace(SOUTH, name="Süd"), replace(ANNA, username="anne"))
    changing.store.delete(BEN)
    pair.agree("what happened meanwhile")
    pair.agree_on_position()


@blocking
def test_restarts_of_either_side_need_no_full_refresh(changing: ReplicaWorld, gateway: Serving, consume: Consume) -> None:
    pair = Pair(changing, gateway, consume())
    pair.agree()
    pair.agree_on_position()

    pair.replica.stop()
    changing.store.put(user(12, "cy"), replace(ANNA, username="anne"))
    changing.store.delete(BEN)
    changing.follow()
    before = gateway.services.counters.entries
    pair.replica.start()
    eventually(lambda: "dc=test,dc=example,ou=people,uid=cy," in pair.replica.entries(), "the added entry")
    assert gateway.services.counters.entries - before <= 4  # cy, anne, Staff that listed both; and who is gone
    pair.agree()

    in_reactor(gateway.server.drop_all)
    in_reactor(lambda: ensureDeferred(changing.restart()))
    changing.store.put(user(13, "dee"))
    before = gateway.services.counters.entries
    eventually(lambda: "dc=test,dc=example,ou=people,uid=dee," in pair.replica.entries(), "the added entry")
    assert gateway.services.counters.entries - before == 1
    pair.agree()
    pair.agree_on_position()


@blocking
def test_a_view_that_was_built_again_and_a_past_that_is_forgotten_are_read_anew(
    changing: ReplicaWorld, gateway: Serving, consume: Consume, monkeypatch: pytest.MonkeyPatch
) -> None:
    pair = Pair(changing, gateway, consume())
    pair.agree()
    changing.store.put(replace(ANNA, username="anne"))
    changing.store.delete(BEN)
    in_reactor(lambda: ensureDeferred(changing.restart(anew=True)))
    pair.agree("the view built again")

    pair.replica.stop()
    monkeypatch.setattr(history, "CHANGES_KEPT", 1)
    changing.store.put(user(12, "cy"), user(13, "dee"))
    changing.store.delete(ANNA)
    changing.follow()
    changing.store.put(user(14, "eve"))
    changing.follow()
    pair.replica.start()
    pair.agree("everything, and no more")


@blocking
def test_a_replica_of_a_part_has_that_part(changing: ReplicaWorld, gateway: Serving, consume: Consume) -> None:
    pair = Pair(changing, gateway, consume(narrow=True), narrow=True)
    pair.agree()
    changing.store.put(replace(INSIDE, parent_id=SOUTH.id))
    pair.agree("an organization that left, with its people")
    changing.store.put(replace(INSIDE, parent_id=NORTH.id), replace(BEN, organization_ids=(NORTH.id,)))
    pair.agree("and came back; and somebody who joined, with the group")


@blocking
def test_values_that_slapd_would_refuse_do_not_end_its_replication(
    changing: ReplicaWorld, gateway: Serving, consume: Consume
) -> None:
    pair = Pair(changing, gateway, consume())
    odd = {"phone_number": ["+49 30 12*34"], "email": ["bén@example.test", "ben@example.test"], "gecos": ["Bén"]}
    changing.store.put(user(12, "cy", **odd), user(13, "dee"))
    pair.agree()
    kept = pair.replica.entries()["dc=test,dc=example,ou=people,uid=cy,"]
    assert kept["mail"] == [b"ben@example.test"]
    assert not kept.keys() & {"telephoneNumber", "gecos"}


@blocking
def test_a_random_history_ends_in_equal_replicas(changing: ReplicaWorld, gateway: Serving, consume: Consume) -> None:
    random = Random(4)
    changing.store.delete(STAFF, ANNA, BEN, INSIDE, NORTH, SOUTH)
    past = History(changing.store, random)
    pairs = [Pair(changing, gateway, consume()), Pair(changing, gateway, consume(type="refreshOnly", interval="00:00:00:01"))]
    for _ in range(12):
        for _ in range(random.choice((1, 3, 8))):
            past.step()
        if random.random() < 0.3:
            pairs[0].replica.stop()
            past.step()
            pairs[0].replica.start()
        pairs[0].agree()
    for pair in pairs:
        pair.agree()


def shown(serving: Serving, mode: str) -> str:
    """The output of ldapsearch for a synchronization."""
    arguments = ["-b", BASE, "-E", f"sync={mode}", "(objectClass=*)", "uid"]
    return tool("ldapsearch", serving.url, serving.portal, *arguments).stdout


@blocking
def test_ldapsearch_is_told_the_states_and_the_cookie(changing: ReplicaWorld, gateway: Serving) -> None:
    first = shown(gateway, "ro")
    assert first.count("SyncState control") == first.count(" added") == 4 + 6  # the containers, and who is there
    assert "refreshDeletes=0" in first
    found = re.search(r"cookie: (rid=000,sid=000,csn=\S+)", first)
    assert found is not None
    changing.store.delete(BEN)
    changing.follow()
    second = shown(gateway, f"ro/{found[1]}")
    assert "refreshDeletes=1" in second
    assert len(set(re.findall(r"csn=\S+", second))) == 1  # slapd keeps what is newer than the cookie of its removal
    assert f"# {BEN.id}" in second.replace("\t", " ")
    assert second.count(" added") == 1  # the group that listed him

    future = found[1].replace("csn=2", "csn=3")
    assert shown(gateway, f"ro/{future}").count(" added") == 4 + 5
    assert shown(gateway, "ro/gw:12").count(" added") == 4 + 5


def upstream_of(serving: Serving, account: Account) -> OpenLDAPSource:
    """The client with which another gateway reads this one."""
    upstream = Upstream(urls=(serving.url,), bind_dn=account.dn, password=account.password)
    kinds = (
        openldap_kind_settings(Kind.ORGANIZATION, (f"ou=organizations,{BASE}",)),
        openldap_kind_settings(Kind.USER, (f"ou=people,{BASE}",)),
        openldap_kind_settings(Kind.GROUP, (f"ou=groups,{BASE}",)),
    )
    return OpenLDAPSource(OpenLDAPSettings(id="up", upstream=upstream, kinds=kinds))


@blocking
def test_a_gateway_follows_a_gateway(changing: ReplicaWorld, gateway: Serving) -> None:
    with FollowingReplica(upstream_of(gateway, changing.portal)) as other:
        replica = other.replica
        other.until(lambda: replica.names(Kind.USER) == {"anna", "ben"} and replica.names(Kind.GROUP) == {"Staff"})
        changing.store.put(replace(ANNA, username="anne"), user(12, "cy"))
        changing.store.delete(BEN)
        other.until(lambda: replica.names(Kind.USER) == {"anne", "cy"})
