"""The name of a lease's holder, and when a holder counts as gone."""

from __future__ import annotations

import os
import subprocess
import sys
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import pytest

from gateway.app.parts import lease_holder
from gateway.store.engine import migrate
from gateway.store.engine.database import Database
from gateway.store.operations import leases

HOST, MACHINE, _, _ = lease_holder.name().split(":")
HERE = f"{HOST}:{MACHINE}"


def ended() -> int:
    """Return the id of a process that has ended."""
    with subprocess.Popen([sys.executable, "-c", ""]) as process:
        return process.pid


def test_a_killed_process_of_this_machine_is_gone() -> None:
    assert lease_holder.is_gone(f"{HERE}:{ended()}:0badcafe")


def test_another_process_with_our_id_was_before_us() -> None:
    assert lease_holder.is_gone(f"{HERE}:{os.getpid()}:0badcafe")


@pytest.mark.parametrize(
    "holder",
    [
        lease_holder.name(),
        f"{HERE}:{os.getppid()}:0badcafe",
        f"{HOST}:another-machine:{ended()}:0badcafe",
        "",
        "node",
        f"{HERE}:x:y",
    ],
    ids=["itself", "lives", "elsewhere", "nobody", "no process", "not a number"],
)
def test_in_doubt_a_holder_is_not_gone(holder: str) -> None:
    assert not lease_holder.is_gone(holder)


def test_only_the_leases_of_ended_processes_are_released(tmp_path: Path) -> None:
    database = Database(f"sqlite:///{tmp_path}/store.sqlite")
    migrate.migrate(database)
    for lease, holder in (
        ("left", f"{HERE}:{ended()}:0badcafe"),
        ("held", lease_holder.name()),
        ("far", "elsewhere:1:0badcafe"),
    ):
        assert database.write_blocking(
            partial(leases.acquire, name=lease, holder=holder, seconds=30, now=datetime(2026, 11, 23, tzinfo=UTC))
        )
    lease_holder.free_left_behind(database)
    assert sorted(name for name, _ in database.read_blocking(leases.all_holders)) == ["far", "held"]
    database.close()
