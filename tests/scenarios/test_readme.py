"""README.md is executed: its configuration and commands against a real slapd, its tables against the running server, and every
file, command and number that it names against what there is."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import ldap
import ldap.controls
import pytest

from gateway.app.cli import COMMANDS
from gateway.app.config.listener_tables import LimitsTable
from gateway.directory.projection.view_kinds import KINDS
from gateway.frontends.ldap.server.dispatch import HANDLERS
from gateway.sync.deletion_guard import Guard
from gateway.wire import oids
from tests.app.installation import Serving, until
from tests.conftest import StartSlapd
from tests.scenarios.guide import ROOT, TEXT, fenced
from tests.scenarios.office import libldap
from tests.servers.people import people
from tests.servers.people import person_password as password_of
from tests.servers.pki import Pki
from tests.servers.slapd import Slapd

SUFFIX = "dc=example,dc=com"
GATEWAY = Path(sys.executable).parent / "gateway"

CONTROLS = {
    "paged results": {oids.PAGED_RESULTS},
    "server-side sort": {"1.2.840.113556.1.4.473", "2.16.840.1.113730.3.4.9"},
    "content sync": {"1.3.6.1.4.1.4203.1.9.1.1"},
    "persistent search": {"2.16.840.1.113730.3.4.3", "1.2.840.113556.1.4.528"},
    "assertion": {"1.3.6.1.1.12", "1.2.826.0.1.3344810.2.3"},
    "proxied authorization": {"2.16.840.1.113730.3.4.18"},
    "password policy": {"1.3.6.1.4.1.42.2.27.8.5.1"},
    "extended names": {oids.EXTENDED_DN},
    "show deleted, show recycled": {oids.SHOW_DELETED, oids.SHOW_RECYCLED},
    "ManageDsaIT": {oids.MANAGE_DSA_IT, oids.DOMAIN_SCOPE},
}
OTHER_CONTROLS = {
    "pre-read": "1.3.6.1.1.13.1",
    "post-read": "1.3.6.1.1.13.2",
    "dereference": "1.3.6.1.4.1.4203.666.5.16",
}
EXTENSIONS = {
    "StartTLS": oids.START_TLS,
    "Who Am I": oids.WHO_AM_I,
    "Password Modify": "1.3.6.1.4.1.4203.1.11.1",
    "Cancel": "1.3.6.1.1.8",
}


def commands(block: str) -> list[list[str]]:
    """The lines of a shell block, without their comments, as words."""
    return [words for line in block.splitlines() if (words := line.partition("#")[0].split())]


def table(first_heading: str) -> dict[str, str]:
    """The rows of the table whose first column has this heading: first cell → second cell."""
    head = TEXT.index(f"| {first_heading} |")
    rows = (line.strip("| ").partition(" | ") for line in TEXT[head:].split("\n\n")[0].splitlines()[2:])
    return {first: rest for first, _, rest in rows}


class Administrator:
    """Somebody who follows README.md in a folder, with slapd as the upstream. Ports are free ones."""

    def __init__(self, folder: Path, upstream: Slapd, pki: Pki) -> None:
        written = fenced("toml")[0]
        trusting = f'url = "{upstream.ldaps_url}"\nca_file = "{pki.ca}"'
        self.folder = folder
        self._environ = {name: value for name, value in os.environ.items() if not name.startswith("GATEWAY_")}
        self._environ |= {f"GATEWAY_{listener}__LISTEN": "127.0.0.1:0" for listener in ("LDAP", "HTTP", "MANAGEMENT")}
        (folder / "gateway.toml").write_text(written.replace('url = "ldaps://ldap.example.com"', trusting))
        password = folder / "reader.password"
        password.touch(mode=0o600)
        password.write_text(f"{upstream.reader.password}\n")

    def run(self, words: list[str]) -> str:
        """What the command prints; it must succeed."""
        done = subprocess.run(
            [GATEWAY, *words[1:]], cwd=self.folder, env=self._environ, capture_output=True, text=True, timeout=60
        )
        assert done.returncode == 0, done
        assert "gateway: " not in done.stderr, "it complained"
        return done.stdout

    @contextmanager
    def serve(self) -> Iterator[Serving]:
        serving = Serving([str(GATEWAY), "serve"], self.folder, self._environ)
        try:
            yield serving
        finally:
            serving.end()


@pytest.fixture
def administrator(tmp_path: Path, start_slapd: StartSlapd, pki: Pki) -> Administrator:
    upstream = start_slapd(suffix=SUFFIX, ldif=people(20, 2, 5, suffix=SUFFIX))
    return Administrator(tmp_path, upstream, pki)


def test_the_first_real_upstream_is_served_by_the_ten_lines_and_the_commands(administrator: Administrator) -> None:
    block = next(block for block in fenced("sh") if "gateway check" in block)
    first, *rest = commands(block)
    assert first == ["gateway", "check"] and "users: 20 would be read" in administrator.run(first)
    dry_run, add, serve, status = rest
    assert "20 users created" in administrator.run(dry_run)
    added = administrator.run(add)
    bind_dn = f"cn=hr-portal,ou=applications,{SUFFIX}"
    assert f"`{bind_dn}`" in TEXT and bind_dn in added
    [secret] = re.findall(r"[A-Za-z0-9_-]{43}", added)
    assert serve == ["gateway", "serve"]
    with administrator.serve() as serving:
        until(lambda: "full run" in serving.log_text(), "the first run ends")
        assert "source hr (openldap)\n  position:   up to date" in administrator.run(status)
        connection = libldap(f"ldap://{serving.addresses['ldap']}", bind_dn, secret)
        found = until(lambda: connection.search_s(SUFFIX, ldap.SCOPE_SUBTREE, "(uid=user000007)"), "the person is found")
        connection.unbind_s()
        assert serving.bind(found[0][0], password_of(7)) == "success"
        _tables_agree_with(serving, bind_dn, secret)


def test_the_lines_about_views_go_below_those_of_the_first_upstream(administrator: Administrator) -> None:
    with (administrator.folder / "gateway.toml").open("a") as file:
        file.write(next(block for block in fenced("toml") if "[posix]" in block))
    named = [word for view in ("openldap", "corp", "unix") for word in ("--view", view)]
    [secret] = re.findall(r"[A-Za-z0-9_-]{43}", administrator.run(["gateway", "application", "add", "portal", *named]))
    with administrator.serve() as serving:
        connection = libldap(f"ldap://{serving.addresses['ldap']}", f"cn=portal,ou=applications,{SUFFIX}", secret)

        def one(base: str, text: str) -> dict[str, list[bytes]]:
            try:
                found = connection.search_s(base, ldap.SCOPE_SUBTREE, text, ["*", "memberOf"])
            except (ldap.NO_SUCH_OBJECT, ldap.UNAVAILABLE):
                return {}
            return dict(found[0][1]) if found else {}

        person = until(lambda: one("dc=corp,dc=example", "(sAMAccountName=user000007)"), "the person is in the domain")
        assert person["userPrincipalName"] == [b"user000007@corp.example"]
        account = until(lambda: one("dc=unix,dc=example", "(&(objectClass=posixAccount)(uid=user000007))"), "and in the other")
        assert account["homeDirectory"] == [b"/home/user000007"] and account["ou"] == [b"Example Ltd"]
        assert 20000 <= int(account["uidNumber"][0]) <= 59999
        own = until(lambda: one("dc=unix,dc=example", "(&(objectClass=posixGroup)(cn=user000007))"), "the private group is")
        assert own["gidNumber"] == account["gidNumber"]
        connection.unbind_s()


def test_the_kinds_of_views_are_those_that_there_are() -> None:
    assert {row.strip("`") for row in table("kind")} == set(KINDS)


def _tables_agree_with(serving: Serving, bind_dn: str, secret: str) -> None:
    """Controls, extended operations and operational attributes, as the running server has them."""
    connection = libldap(f"ldap://{serving.addresses['ldap']}", bind_dn, secret)
    [(_, root)] = connection.search_s("", ldap.SCOPE_BASE, attrlist=["+"])
    supported = {name.decode() for name in root["supportedControl"]}
    *rows, other = table("control")
    assert set().union(*(CONTROLS[row.partition(" (")[0]] for row in rows)) == supported
    named = table("control")[other].partition(": ")[2].split(", ")
    assert named == list(OTHER_CONTROLS)
    for oid in OTHER_CONTROLS.values():
        critical = ldap.controls.RequestControl(oid, criticality=True, encodedControlValue=b"")
        with pytest.raises(ldap.UNAVAILABLE_CRITICAL_EXTENSION):
            connection.search_ext_s(SUFFIX, ldap.SCOPE_BASE, serverctrls=[critical])
        ignored = ldap.controls.RequestControl(oid, criticality=False, encodedControlValue=b"")
        assert connection.search_ext_s(SUFFIX, ldap.SCOPE_BASE, serverctrls=[ignored])
    offered = set(table("operation")["extended"].split(", "))
    assert offered == set(EXTENSIONS)
    assert {name.decode() for name in root["supportedExtension"]} == {EXTENSIONS[name] for name in offered - {"StartTLS"}}
    [(_, group)] = connection.search_s(SUFFIX, ldap.SCOPE_SUBTREE, "(cn=group00000)", ["+"])
    [(_, person)] = connection.search_s(SUFFIX, ldap.SCOPE_SUBTREE, "(uid=user000001)", ["+"])
    operational = TEXT[TEXT.index("Operational attributes: ") :].partition("LDAPS")[0]
    assert set(re.findall(r"`(\w+)`", operational)) == set(person) and set(group) <= set(person)
    connection.unbind_s()


def test_the_table_of_operations_is_the_dispatch_table() -> None:
    rows = {word.strip() for row in table("operation") for word in row.split(",")}
    said = {"modify_dn" if name == "rename" else name for name in rows} - {"anonymous", "abandon", "unbind"}
    assert said == {handler.name for handler in HANDLERS.values()}


def test_the_numbers_are_the_defaults() -> None:
    guard, limits = Guard(), LimitsTable()
    kinds = f"{guard.organizations} organizations, {guard.groups} groups, or {guard.percent:g} percent"
    assert f"more than {guard.users} users ({kinds})" in TEXT
    assert f"After {limits.bind_failures} failures in a minute" in TEXT
    assert limits.bind_failure_seconds == 60


def test_every_file_that_is_named_is_there() -> None:
    named = set(re.findall(r"`?((?:scripts|conf|gateway|tests|sync)/[\w./-]+)", TEXT)) | {"setup.cfg"}
    assert {"scripts/demo", "scripts/test", "conf/gateway.toml"} <= named
    missing = {name for name in named if not (ROOT / name).exists() and not (ROOT / "gateway" / name).exists()}
    assert missing == set()
    for program in re.findall(r"`?(scripts/\w+)", TEXT):
        assert os.access(ROOT / program, os.X_OK), program


def test_every_command_that_is_named_is_one() -> None:
    named = re.findall(r"(?:^|`)gateway ([a-z]+)", TEXT, re.MULTILINE)
    assert len(set(named)) > 4
    assert set(named) <= set(COMMANDS)


def test_the_folders_of_the_floors_are_those_of_the_package() -> None:
    floors = {name for row in table("floor") for name in re.findall(r"`(\w+)`", row)}
    folders = {child.name for child in (ROOT / "gateway").iterdir() if (child / "__init__.py").exists()}
    assert floors == folders


def test_environment_wins_over_the_file_and_the_command_line_over_both(administrator: Administrator) -> None:
    assert "GATEWAY_LDAP__LISTEN=" in TEXT and "--set ldap.listen=" in TEXT
    shown = administrator.run(["gateway", "config", "show"])
    assert 'listen = ["127.0.0.1:0"]' in shown and "reader-secret" not in shown
    assert '"127.0.0.1:4711"' in administrator.run(["gateway", "--set", "ldap.listen=127.0.0.1:4711", "config", "show"])
