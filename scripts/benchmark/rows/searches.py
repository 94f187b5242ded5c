"""The rows of searches: one question, asked of both over and over."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from operator import attrgetter

from scripts.benchmark.load_generator.load import Load, LoadResult
from scripts.benchmark.measure import Measured, Row
from scripts.benchmark.servers.contenders import BenchError, Contender
from scripts.benchmark.servers.gateway_side import AD
from scripts.benchmark.stage import Asked, Stage

EQUALITY = "(uid=user%06d)"
CLASS_AND_UID = "(&(objectClass=person)(uid=user%06d))"
UID_OR_MAIL = "(|(uid=user%06d)(mail=user%06d@example.test))"
AD_LOGIN = "(&(objectCategory=person)(sAMAccountName=user%06d))"
PIECE_OF_A_NAME = "(cn=*%05d*)"
IN_CHAIN = "1.2.840.113556.1.4.1941"
TWO_ATTRIBUTES = "cn,mail"
PAGE_SIZE = 500
WALKS = 5  # walks over the whole tree in one run
UNINDEXED_REQUESTS = 3  # each reads every entry

per_second = attrgetter("per_second")
entries_per_second = attrgetter("entries_per_second")
FILTERS = ((CLASS_AND_UID, "(&(objectClass=person)(uid=x))"), (UID_OR_MAIL, "(|(uid=x)(mail=x))"))
WITHIN_A_QUARTER = 0.75


def both(stage: Stage, load: Load, gateway: Contender | None = None, slapd: Contender | None = None) -> tuple[Asked, Asked]:
    """The same load for both sides."""
    return ((slapd or stage.slapd).endpoint, load), ((gateway or stage.gateway()).endpoint, load)


def equality(stage: Stage) -> Iterator[Measured]:
    whole = "equality search by uid, whole entry"
    for name, connections, in_flight, target in (
        ("1 connection", 1, 1, None),
        ("8 connections", 8, 1, 1.3),
        ("64 connections", 64, 1, None),
        ("8 connections, 16 in flight each", 8, 16, 3.0),
    ):
        load = stage.timed(EQUALITY, connections, in_flight, expect_entries=1)
        yield stage.compare(Row(f"{whole}, {name}", "per s", at_least_ratio=target), both(stage, load), per_second)


def filters(stage: Stage) -> Iterator[Measured]:
    for text, shown in FILTERS:
        yield from two_ways(stage, text, shown, stage.slapd, stage.gateway())


def ad_filter(stage: Stage) -> Iterator[Measured]:
    shown = "AD view: (&(objectCategory=person)(sAMAccountName=x))"
    yield from two_ways(stage, AD_LOGIN, shown, stage.slapd_with_ad_attributes, stage.gateway(AD))


def two_ways(stage: Stage, text: str, shown: str, slapd: Contender, gateway: Contender) -> Iterator[Measured]:
    """One at a time on each of 8 connections, and 16 at a time."""
    for name, in_flight, of_equality in (("8 connections", 1, 1.3), ("8 × 16 in flight", 16, 3.0)):
        load = stage.timed(text, 8, in_flight, expect_entries=1)
        row = Row(f"{shown}, {name}", "per s", at_least_ratio=of_equality * WITHIN_A_QUARTER)
        yield stage.compare(row, both(stage, load, gateway, slapd), per_second)


def groups(stage: Stage) -> Iterator[Measured]:
    """Ask only for people who are in a group: half of them may be in none."""

    def asked(contender: Contender) -> Asked:
        inside = stage.size.members_in_groups
        return contender.endpoint, stage.timed(f"(member={contender.person})", attributes="cn", range=inside, expect_entries=1)

    row = Row("groups of a person, (member=DN), 8 connections", "per s", at_least_ratio=1.0)
    yield stage.compare(row, (asked(stage.slapd), asked(stage.gateway())), per_second)


def in_chain(stage: Stage) -> Iterator[Measured]:
    """slapd has no such rule: there a client climbs from group to group, one search for each that it finds."""
    depth = 1 + len(stage.size.upper_groups)
    inside = stage.size.members_in_groups
    slapd, gateway = stage.slapd, stage.gateway()
    climb = stage.timed(f"(member={slapd.person})", mode="climb", attributes="cn", range=inside, expect_entries=depth)
    chain = replace(climb, filter_template=f"(member:{IN_CHAIN}:={gateway.person})", mode="search")
    name = f"all {depth} groups of a person by in-chain, 8 connections"
    row = Row(name, "per s", at_least_ratio=1.0, against="slapd, a client climbing")
    yield stage.compare(row, ((slapd.endpoint, climb), (gateway.endpoint, chain)), per_second)


def in_chain_samba(stage: Stage) -> Iterator[Measured]:
    small, gateway, samba = stage.effort.samba, stage.gateway(), stage.samba
    depths = [1 + len(size.upper_groups) for size in (small, stage.size)]

    def asked(contender: Contender, people: int, depth: int) -> Asked:
        text = f"(member:{IN_CHAIN}:={contender.person})"
        return contender.endpoint, stage.timed(text, attributes="cn", range=people, expect_entries=depth)

    against = f"Samba AD, {small.people:,} people, {depths[0]} groups each"
    row = Row("the same against a real AD", "per s", at_least_ratio=20.0, against=against)
    sides = asked(samba, small.members_in_groups, depths[0]), asked(gateway, stage.size.members_in_groups, depths[1])
    yield stage.compare(row, sides, per_second)


def substring(stage: Stage) -> Iterator[Measured]:
    pieces = min(stage.size.people, 100_000)
    sides = both(stage, stage.timed(PIECE_OF_A_NAME, range=pieces))
    stage.agree(sides)
    row = Row("substring (cn=*abc*), 8 connections", "per s", at_least_ratio=1.0, against="slapd, cn sub index")
    yield stage.compare(row, sides, per_second)


def substring_unindexed(stage: Stage) -> Iterator[Measured]:
    load = stage.timed(PIECE_OF_A_NAME, 1, range=min(stage.size.people, 100_000))
    few = replace(load, requests=UNINDEXED_REQUESTS, warmup=0)
    sides = (stage.slapd_unindexed.endpoint, few), (stage.gateway().endpoint, load)
    stage.agree(sides, UNINDEXED_REQUESTS)
    row = Row("substring (cn=*abc*), 1 connection", "per s", at_least_ratio=50.0, against="slapd, no sub index")
    yield stage.compare(row, sides, per_second)


def subtree(stage: Stage) -> Iterator[Measured]:
    yield walk(stage, Row("whole subtree, all attributes", "entries/s", at_least_ratio=3.0), Load(requests=WALKS))
    two = Load(requests=WALKS, attributes=TWO_ATTRIBUTES)
    yield walk(stage, Row("whole subtree, two named attributes", "entries/s", at_least_ratio=1.5), two)


def paged(stage: Stage) -> Iterator[Measured]:
    row = Row(f"whole subtree, paged by {PAGE_SIZE}", "entries/s", at_least_ratio=2.0)
    yield walk(stage, row, Load(requests=WALKS, page_size=PAGE_SIZE))


def walk(stage: Stage, row: Row, load: Load) -> Measured:
    def complete(result: LoadResult) -> float:
        if result.entries < stage.size.entries * result.requests:
            raise BenchError(f"{result.entries} entries in {result.requests} walks are too few")
        return result.entries_per_second

    return stage.compare(row, both(stage, load), complete)


def tls(stage: Stage) -> Iterator[Measured]:
    load = stage.timed(EQUALITY, expect_entries=1)
    row = Row("equality search by uid over LDAPS, 8 connections", "per s", at_least_ratio=0.7)
    yield stage.compare(row, ((stage.slapd.encrypted, load), (stage.gateway().encrypted, load)), per_second)
