"""The parts of a source: made once, and no sooner than they are needed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime

import pytest

from gateway.app.config.settings import Settings
from gateway.app.connector_kinds.registry import SOURCE_KINDS
from gateway.app.connector_kinds.source_kind import LoginParts
from gateway.app.parts import source_parts
from gateway.twisted_internals.reactor import IReactor, installed
from tests.app.connector_kinds.toy.connector import RosterPasswords
from tests.app.connector_kinds.toy.kind import ROSTER
from tests.app.connector_kinds.toy.table import RosterTable

TABLES = {"source": [{"name": name, "kind": "roster", "path": f"{name}.txt"} for name in ("first", "second")]}


@pytest.fixture
def settings(monkeypatch: pytest.MonkeyPatch) -> Settings:
    monkeypatch.setitem(SOURCE_KINDS, "roster", ROSTER)
    return Settings.model_validate({**TABLES, "ldap": {"workers": 3}})


def test_each_source_has_its_own_door_and_one_connector(settings: Settings) -> None:
    first, second = source_parts.build(settings)
    assert (first.inbound.source_id, second.inbound.source_id) == ("first", "second")
    assert first.inbound.source_type == first.source.source_type
    assert first.source is first.source
    assert first.source is not second.source


def test_a_command_makes_nothing_that_needs_a_reactor(settings: Settings) -> None:
    assert [parts.login for parts in source_parts.build(settings)] == [None, None]


def test_login_parts_share_the_connections_of_a_source_among_the_workers(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    made: list[tuple[str, int]] = []

    def login_parts(table: RosterTable, reactor: IReactor, *, now: Callable[[], datetime], processes: int) -> LoginParts:
        made.append((table.name, processes))
        return LoginParts(authenticator=RosterPasswords())

    monkeypatch.setitem(SOURCE_KINDS, "roster", replace(ROSTER, login_parts=login_parts))
    source_parts.build(settings, installed())
    assert made == [("first", 3), ("second", 3)]
