"""The rows of writes: a modify of one attribute of a random entry, over and over. The gateway answers when a search shows what
was written.

Both sides sync to disk before they answer. slapd is back-mdb without `dbnosync`: strace counts one fdatasync for each modify,
and LMDB's file of root pages is open with O_DSYNC. The gateway's store is SQLite with a WAL and `synchronous = FULL`: one
fdatasync for each commit, which several writers may share."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from scripts.benchmark.load_generator.load import Endpoint
from scripts.benchmark.measure import Measured, Row
from scripts.benchmark.rows.searches import per_second
from scripts.benchmark.servers.contenders import connect
from scripts.benchmark.stage import Asked, Stage

WRITTEN = 500
"""Entries that are written to: made for it on both sides, so that no source has them."""

NAME = "writer%06d"
CLASSES = ["top", "person", "organizationalPerson", "inetOrgPerson"]
TARGETS = ((1, 0.5), (4, 1.0), (16, 1.0))


def modifies(stage: Stage) -> Iterator[Measured]:
    stage.gateway()
    sides = (stage.durable_slapd, stage.installation.writer())
    for endpoint in sides:
        make_people(endpoint)
    for connections, target in TARGETS:
        clients = "1 client" if connections == 1 else f"{connections} clients"
        row = Row(f"modify of one attribute, durable, {clients}", "per s", at_least_ratio=target)
        slapd, gateway = (asked(stage, endpoint, connections) for endpoint in sides)
        yield stage.compare(row, (slapd, gateway), per_second)


def asked(stage: Stage, endpoint: Endpoint, connections: int) -> Asked:
    person = f"uid={NAME},ou=people,{endpoint.base}"
    load = stage.timed("", connections, mode="modify", attributes="description", person_dn=person)
    return endpoint, replace(load, range=WRITTEN)


def make_people(endpoint: Endpoint) -> None:
    """Make the entries that are not there yet (the data may be another run's)."""
    connection = connect(endpoint)
    connection.raise_exceptions = False
    for number in range(WRITTEN):
        name = NAME % number
        connection.add(f"uid={name},ou=people,{endpoint.base}", CLASSES, {"uid": name, "cn": name, "sn": name})
    connection.unbind()
