"""FollowingReplica a real slapd: changes arrive as they are made, and nothing is lost when either side stops."""

import time
from dataclasses import replace

import pytest

from gateway.connectors.ldap.client.settings import Upstream
from gateway.model.deltas import Batch, DeltaType
from gateway.model.errors import SourceUnavailable
from gateway.model.objects import Kind
from tests.conftest import StartSlapd
from tests.connectors.openldap_upstream import add_group, add_person, add_unit, source, upstream
from tests.connectors.record_replica import FollowingReplica, RecordReplica
from tests.servers.people import people
from tests.servers.slapd import Slapd


def test_adds_changes_renames_and_deletes_of_every_kind_arrive(slapd: Slapd) -> None:
    ada = add_person(slapd, "ada")
    with FollowingReplica(source(slapd)) as following:
        replica = following.replica
        identity = replica.named("ada").external_id
        unit = add_unit(slapd, "sales")
        group = add_group(slapd, "staff", ada)
        following.until(lambda: replica.names(Kind.GROUP) == {"staff"} and replica.names(Kind.ORGANIZATION) == {"sales"})
        slapd.modify(ada, {"title": ["Countess"]})
        following.until(lambda: replica.named("ada").attributes["title"] == ("Countess",))
        slapd.modify(ada, {"title": []})
        following.until(lambda: replica.named("ada").attributes["title"] == ())
        moved = slapd.rename(ada, "uid=ada", unit)
        following.until(lambda: replica.named("ada").dn == moved)
        assert replica.named("ada").external_id == identity
        slapd.delete(group)
        slapd.delete(moved)
        following.until(lambda: not replica.names(Kind.GROUP) | replica.names(Kind.USER))


def test_a_change_arrives_within_a_tenth_of_a_second(slapd: Slapd) -> None:
    ada = add_person(slapd, "ada")
    with FollowingReplica(source(slapd)) as following:
        delays = []
        for number in range(20):
            title = (f"Title {number}",)
            slapd.modify(ada, {"title": list(title)})
            written = time.monotonic()
            following.until(lambda title=title: following.replica.named("ada").attributes["title"] == title)  # type: ignore[misc]
            delays.append(time.monotonic() - written)
        assert sorted(delays)[10] < 0.1


def test_every_change_carries_a_watermark_from_which_the_next_read_goes_on(slapd: Slapd) -> None:
    add_person(slapd, "ada")
    with FollowingReplica(source(slapd)) as following:
        add_person(slapd, "bob")
        following.until(lambda: "bob" in following.replica.names(Kind.USER))
    replica = following.replica
    add_person(slapd, "zoe")
    replica.read(source(slapd))
    assert replica.types == [DeltaType.UPSERT]
    assert replica.names(Kind.USER) == {"ada", "bob", "zoe"}


def test_changes_that_arrive_while_the_reader_is_busy_are_one_batch(slapd: Slapd) -> None:
    reading = source(slapd).read(None, follow=True)
    while not next(reading).caught_up:
        pass
    for number in range(50):
        add_person(slapd, f"user{number}")
    sizes: list[int] = []
    while sum(sizes) < 50:
        sizes.append(len(next(reading).deltas))
    assert len([size for size in sizes if size]) <= 5


def test_an_idle_follower_hands_control_back_within_five_seconds(slapd: Slapd) -> None:
    reading = source(slapd).read(None, follow=True)
    while not next(reading).caught_up:
        pass
    began = time.monotonic()
    assert next(reading) == Batch(caught_up=True, heard=False)
    assert time.monotonic() - began < 5


@pytest.mark.parametrize("end", ["stop", "kill"])
def test_a_server_that_ends_makes_the_read_fail_and_the_next_one_goes_on(slapd: Slapd, end: str) -> None:
    eve = add_person(slapd, "eve")
    with FollowingReplica(source(slapd)) as following:
        getattr(slapd, end)()
        assert isinstance(following.failed(), SourceUnavailable)
    with pytest.raises(SourceUnavailable, match=r"source hr: ldap://127\.0\.0\.1:\d+: no connection"):
        next(source(slapd).read(following.replica.watermark, follow=True))
    slapd.start()
    slapd.delete(eve)
    add_person(slapd, "ada")
    with FollowingReplica(source(slapd), following.replica) as again:
        assert again.replica.names(Kind.USER) == {"ada"}


def test_a_renamed_unit_arrives_alone_with_its_new_name(slapd: Slapd) -> None:
    unit = add_unit(slapd, "sales")
    add_person(slapd, "ada", "ou=sales,ou=people")
    with FollowingReplica(source(slapd)) as following:
        replica = following.replica
        identity = replica.named("sales").external_id
        replica.batches = []
        renamed = slapd.rename(unit, "ou=trade")
        following.until(lambda: replica.names(Kind.ORGANIZATION) == {"trade"})
        assert (replica.named("trade").external_id, replica.named("trade").dn) == (identity, renamed)
        assert {delta.kind for batch in replica.batches for delta in batch.deltas} == {Kind.ORGANIZATION}


def test_changes_of_an_earlier_kind_during_a_later_kind_s_refresh_are_not_lost(start_slapd: StartSlapd) -> None:
    slapd = start_slapd(ldif=people(3000))
    unit = add_unit(slapd, "sales")
    replica = RecordReplica()
    reading = source(slapd).read(None, follow=True)
    replica.apply(next(reading))  # the organizations; the users' refresh has not begun
    renamed = slapd.rename(unit, "ou=trade")
    while not replica.batches[-1].caught_up or replica.named("trade").dn != renamed:
        replica.apply(next(reading))
        if "trade" not in replica.names(Kind.ORGANIZATION):
            assert len(replica.batches) < 50
    assert len(replica.names(Kind.USER)) == 3000


def test_close_ends_a_blocked_read_at_once_and_a_later_read_works(slapd: Slapd) -> None:
    add_person(slapd, "ada")
    reading = source(slapd)
    with FollowingReplica(reading) as following:
        began = time.monotonic()
        reading.close()
        assert "reading was stopped" in str(following.failed())
        assert time.monotonic() - began < 1
    assert RecordReplica().read(reading).names(Kind.USER) == {"ada"}


def test_a_server_that_hangs_while_it_is_followed_is_noticed(slapd: Slapd) -> None:
    impatient = source(slapd, upstream=upstream(slapd, answer_seconds=0.8), probe_seconds=0.2)
    with FollowingReplica(impatient) as following:
        batches = following.replica.batches
        following.until(lambda: any(batch.heard and not batch.watermark for batch in batches[1:]))  # an answered probe
        slapd.suspend()
        told = len(batches)
        assert "silent for" in str(following.failed())
        assert not any(batch.heard for batch in batches[told + 1 :])  # one may have been on its way
        slapd.resume()


def test_an_idle_server_that_lives_is_not_taken_for_dead(slapd: Slapd) -> None:
    impatient = source(slapd, upstream=upstream(slapd, answer_seconds=10), probe_seconds=0.1)
    with FollowingReplica(impatient) as following:
        seen = len(following.replica.batches)
        following.until(lambda: len(following.replica.batches) > seen + 2)
        assert following.error is None
        assert slapd.log_text().count('base="" scope=0') >= 2


def test_the_first_reachable_url_is_used(slapd: Slapd) -> None:
    add_person(slapd, "ada")
    two: Upstream = replace(upstream(slapd), urls=("ldap://127.0.0.1:1", slapd.url))
    assert RecordReplica().read(source(slapd, upstream=two)).names(Kind.USER) == {"ada"}
