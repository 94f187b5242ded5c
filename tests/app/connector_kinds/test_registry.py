"""The registry of kinds: each line is whole, and one more line is all that a new kind needs."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
import pytest_twisted
from twisted.internet.task import deferLater

from gateway.app import wiring
from gateway.app.config import loader
from gateway.app.config.settings import Settings
from gateway.app.connector_kinds.registry import SOURCE_KINDS, AnySourceKind, kind_of
from gateway.app.parts import opened_store, source_parts
from gateway.app.process.log_output import GuardedStream
from gateway.model.connector import BindOutcome
from gateway.model.errors import ConfigurationError
from gateway.store.engine.database import Connection
from gateway.store.objects import users
from gateway.twisted_internals.reactor import installed
from tests.app.connector_kinds.toy.kind import ROSTER
from tests.app.installation import Installation

SOURCE = """\
[[source]]
name = "office"
kind = "roster"
path = "names.txt"
"""
MINIMAL = {
    "openldap": 'url = "ldap://a.test"\n[source.users]\nbase = "ou=people,dc=test"\n',
    "active_directory": 'url = "ldaps://a.test"\nbind_dn = "a@a.test"\npassword = "x"\n[source.users]\nbase = "dc=test"\n',
    "ldif": 'path = "a.ldif"\n',
    "csv": 'path = "a.csv"\nid_column = "Nr"\n',
}


@pytest.fixture
def office(gateway: Installation, monkeypatch: pytest.MonkeyPatch) -> Installation:
    """An installation with a source of a kind that one line has made known."""
    monkeypatch.setitem(SOURCE_KINDS, "roster", ROSTER)
    gateway.configure(SOURCE)
    (gateway.folder / "names.txt").write_text("anna\nbert\n")
    return gateway


def settings_of(installation: Installation) -> Settings:
    return loader.load(installation.file, {}).settings


@pytest.mark.parametrize("name", SOURCE_KINDS)
def test_a_kind_and_its_source_agree_on_their_names(tmp_path: Path, name: str) -> None:
    file = tmp_path / "gateway.toml"
    file.write_text(f'[[source]]\nname = "a"\nkind = "{name}"\n{MINIMAL[name]}')
    [table] = loader.load(file, {}).settings.source
    kind: AnySourceKind = kind_of(table)
    source = kind.source(table)
    assert (type(table), source.id, source.source_type) == (kind.table, "a", kind.source_type)
    assert (kind.login_parts is not None) == table.authenticates
    assert kind.fingerprint(table) == kind.fingerprint(table.model_copy())


def test_the_tables_of_all_kinds_are_known_without_ldap3() -> None:
    code = "import sys, gateway.app.connector_kinds.registry as r; sys.exit('ldap3' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False, timeout=60).returncode == 0


def test_the_configuration_of_a_new_kind_is_checked_and_shown(office: Installation) -> None:
    assert "sources: office" in office("config", "check").out
    [shown] = office("config", "show", "--json").json["source"]
    assert (shown["kind"], shown["path"]) == ("roster", str(office.folder / "names.txt"))
    office.configure(SOURCE.replace("path", "pth"))
    refused = office("config", "check").err
    assert '[[source]] "office" path: is missing; add path = …' in refused
    assert '[[source]] "office" pth: no such key; did you mean "path"?' in refused


def test_a_kind_without_its_line_is_not_known(gateway: Installation) -> None:
    gateway.configure(SOURCE)
    with pytest.raises(ConfigurationError, match='kind is not known; write one of: "openldap"'):
        settings_of(gateway)


def test_the_commands_read_a_source_of_a_new_kind(office: Installation) -> None:
    assert "roster: 2 names" in office("check").out
    assert office("sync", "office").code == 0
    (office.folder / "names.txt").unlink()
    assert office("sync", "office").code == 4


@pytest_twisted.ensureDeferred
async def test_the_whole_program_reads_a_source_of_a_new_kind_and_asks_it_for_passwords(office: Installation) -> None:
    settings = settings_of(office)
    database = opened_store.open_database(settings, installed())
    program = wiring.build(settings, database, installed(), GuardedStream(None))
    program.runners.start()
    try:
        while await database.read(_usernames) != {"anna", "bert"}:
            await deferLater(installed(), 0.02)
    finally:
        await program.runners.stop()
        for close in program.closers:
            close()
        program.tail.close()
        database.close()
    [parts] = source_parts.build(settings, installed())
    assert parts.login is not None
    authenticator = parts.login.authenticator
    assert (await authenticator.authenticate("anna", b"anna"[::-1])).outcome is BindOutcome.ACCEPTED
    assert (await authenticator.authenticate("anna", b"bert")).outcome is BindOutcome.REFUSED


def _usernames(connection: Connection) -> set[str]:
    return {user.username for user in users.iterate(connection, "", 10)}
