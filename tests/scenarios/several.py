"""A firm with three sources: a personnel export (csv), a domain controller (Samba), and a slapd with Unix accounts; the gateway
that makes one directory of them, and what an application sees of it over LDAP and over HTTP."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.scenarios.guide import fenced
from tests.scenarios.office import GROUPS, PEOPLE, Observer, Office
from tests.servers.people import READER_PASSWORD
from tests.servers.samba import Samba
from tests.servers.slapd import Slapd

HEADER = "Number,Login,First name,Last name,Mail,Unit"

REPLACED = {
    'path = "hr.csv"': 'path = "hr.csv"\npoll_seconds = 0.2\nstable_seconds = 0.2',
    '["ldaps://dc1.corp.example.com", "ldaps://dc2.corp.example.com"]': '"{domain.ldaps_url}"\nca_file = "{ca}"',
    "'CORP\\reader'": "'{domain.admin.dn}'",
    "dc=corp,dc=example,dc=com": "{domain.base}",
    '"ldaps://ldap.example.com"': '"{slapd.ldaps_url}"\nca_file = "{ca}"',
    '"cn=reader,dc=example,dc=com"': '"{slapd.reader.dn}"',
    ",dc=example,dc=com": ",{slapd.suffix}",
}
"""What README.md's example says of an imaginary firm, and what is put there for this one."""

GUARD = "[source.deletion_guard]\nusers = 1\npercent = 0\n"
"""Of the domain: one person may go at a time."""


@dataclass
class Firm:
    """`rows`: the personnel export by number; `save` writes it, as a whole."""

    office: Office
    domain: Samba
    slapd: Slapd
    ca: Path
    rows: dict[str, str] = field(default_factory=dict)

    def configure(self) -> None:
        for name, password in (("corp", self.domain.admin.password), ("unix", READER_PASSWORD)):
            file = self.office.folder / f"{name}.password"
            file.touch(mode=0o600)
            file.write_text(password)
        example = next(block for block in fenced("toml") if "correlation" in block)
        for text, ours in REPLACED.items():
            assert text in example, text
            example = example.replace(text, ours.format(domain=self.domain, slapd=self.slapd, ca=self.ca))
        hr_and_corp, before_unix, unix = example.rpartition("[[source]]")
        self.office.configure(hr_and_corp + GUARD + before_unix + unix)

    def save(self, **changes: str | None) -> None:
        """Write the export with these rows added or replaced (None: taken away), by number: n1001 = "Login,First name,…"."""
        for key, row in changes.items():
            number = key.removeprefix("n")
            if row is None:
                self.rows.pop(number)
            else:
                self.rows[number] = row
        self.write([HEADER, *(f"{number},{row}" for number, row in self.rows.items())])

    def write(self, lines: Sequence[str]) -> None:
        """Replace the export, as careful programs do."""
        new = self.office.folder / "hr.csv.new"
        new.write_text("".join(f"{line}\n" for line in lines))
        new.rename(self.office.folder / "hr.csv")

    def run(self, *arguments: str) -> Any:
        """What a command prints with --json; it must succeed."""
        outcome = self.office(*arguments, "--json")
        assert outcome.code == 0, outcome
        return outcome.json

    def sources_of(self, username: str) -> set[str]:
        """The sources whose records are linked to a person."""
        return {link["source"] for link in self.run("explain", "user", username)["links"]}


@dataclass(frozen=True)
class Seen:
    """A person as an application sees it over both faces. `over_ldap`: the entry's attributes, None when there is none;
    `over_http`: the user of the Developer API."""

    over_ldap: dict[str, list[bytes]] | None
    over_http: dict[str, Any] | None

    @property
    def id(self) -> str:
        """The same on both, where both have it."""
        ids = {self.over_ldap["entryUUID"][0].decode()} if self.over_ldap else set()
        ids |= {self.over_http["userId"]} if self.over_http else set()
        [found] = ids
        return found

    def text(self, attribute: str) -> str | None:
        """The one value over LDAP; None without any."""
        values = (self.over_ldap or {}).get(attribute)
        return values[0].decode() if values else None

    @property
    def groups(self) -> set[str]:
        """The names of groups, the same on both faces."""
        ldap = {dn.decode().partition(",")[0].removeprefix("cn=") for dn in (self.over_ldap or {}).get("memberOf", [])}
        assert self.over_http is not None
        assert ldap == self.over_http["groups"]
        return ldap


def look(observer: Observer, username: str) -> Seen:
    """The person with this login name, as it is now."""
    found = observer.find(f"(uid={username})", "*", "+", base=PEOPLE)
    users = {user["username"]: user for user in _exported(observer, "user")}
    return Seen(next(iter(found.values()), None), users.get(username))


def usernames(observer: Observer) -> tuple[set[str], set[str]]:
    """Everybody, over LDAP and over HTTP."""
    return set(observer.ids()), {user["username"] for user in _exported(observer, "user")}


def members(observer: Observer, group: str) -> set[str]:
    """The login names of a group's members over LDAP."""
    found = observer.find(f"(cn={group})", "member", base=GROUPS)
    return {dn.decode().partition(",")[0].removeprefix("uid=") for entry in found.values() for dn in entry.get("member", [])}


def _exported(observer: Observer, kind: str) -> list[dict[str, Any]]:
    lines = [json.loads(line) for line in observer.get("/export").splitlines()]
    names = {line["object"]["groupId"]: line["object"]["groupName"] for line in lines if line.get("kind") == "group"}
    return [
        line["object"] | {"groups": {names[group_id] for group_id in line.get("groupIds", ())}}
        for line in lines
        if line.get("kind") == kind
    ]
