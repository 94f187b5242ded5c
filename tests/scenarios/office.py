"""An office: one installed gateway, the application that reads from it, and what that application sees over LDAP and HTTP.

The observers are python-ldap (libldap) and plain HTTP; nothing of the gateway's own code is between them and the wire."""

from __future__ import annotations

import json
import os
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from time import monotonic
from typing import Any

import ldap

from tests.app.installation import BASE_DN, Installation, Serving, until
from tests.scenarios import portraits
from tests.scenarios.portraits import Portrait
from tests.servers.people import READER_PASSWORD
from tests.servers.slapd import Slapd

PROMPT_SECONDS = 2.0
"""Within which a change upstream must be readable; no schedule of the offices here is as short."""

PEOPLE, GROUPS, UNITS = (f"ou={name},{BASE_DN}" for name in ("people", "groups", "organizations"))
TIMEOUT_SECONDS = 20


class Observer:
    """One application of one running gateway. `credentials`: what `gateway application add --json` printed."""

    def __init__(self, serving: Serving, credentials: dict[str, Any]) -> None:
        self.serving = serving
        self.secret: str = credentials["secret"]
        self.bind_dn: str = credentials["bind_dns"][0]
        self.client_id: str = credentials["client_id"]
        self.base_url = f"http://{serving.addresses['http']}{urllib.parse.urlsplit(credentials['base_url']).path}"
        self.ldap_url = f"ldap://{serving.addresses['ldap']}"
        self._token = ""
        self._connection = libldap(self.ldap_url, self.bind_dn, self.secret)

    def close(self) -> None:
        self._connection.unbind_s()

    def find(self, filter_text: str, *attributes: str, base: str = BASE_DN) -> dict[str, dict[str, list[bytes]]]:
        """A subtree search over LDAP: attributes by DN."""
        return dict(self._connection.search_s(base, ldap.SCOPE_SUBTREE, filter_text, list(attributes) or None))

    def dn_of(self, uid: str) -> str:
        """The DN of the one person with this uid."""
        [dn] = self.find(f"(uid={uid})", "1.1", base=PEOPLE)
        return dn

    def ids(self) -> dict[str, bytes]:
        """The entryUUID of every person, by uid."""
        found = self.find("(uid=*)", "uid", "entryUUID", base=PEOPLE).values()
        return {each["uid"][0].decode(): each["entryUUID"][0] for each in found}

    def get(self, path: str) -> str:
        """The body of a GET below the application's base URL, with a token that was fetched for it."""
        if not self._token:
            form = {"grant_type": "client_credentials", "client_id": self.client_id, "client_secret": self.secret}
            data = urllib.parse.urlencode(form).encode()
            with urllib.request.urlopen(f"{self.base_url}/oauth2/token", data, TIMEOUT_SECONDS) as answer:
                self._token = json.load(answer)["access_token"]
        request = urllib.request.Request(f"{self.base_url}{path}", headers={"Authorization": f"Bearer {self._token}"})
        with urllib.request.urlopen(request, timeout=TIMEOUT_SECONDS) as answer:
            return str(answer.read().decode())

    def portraits(self) -> tuple[Portrait, Portrait]:
        """Over LDAP and over HTTP."""
        return portraits.over_ldap(self._connection, BASE_DN), portraits.over_http(self.get("/export"))

    def sees(self, upstream: Slapd) -> bool:
        """Whether both faces show what the upstream has now."""
        wanted = of_upstream(upstream)
        return self.portraits() == (wanted, wanted)

    def must_see(self, upstream: Slapd) -> None:
        """As `sees`, waiting for it as long as a test may; then with pytest's words for what is different."""
        try:
            until(lambda: self.sees(upstream), "both faces show what the upstream has")
        except AssertionError:
            wanted = of_upstream(upstream)
            assert self.portraits() == (wanted, wanted)

    def must_see_promptly(self, upstream: Slapd) -> float:
        """As `must_see`, within PROMPT_SECONDS; the seconds that it took."""
        began = monotonic()
        self.must_see(upstream)
        took = monotonic() - began
        assert took < PROMPT_SECONDS, f"it took {took:.1f} s"
        return took


class Office(Installation):
    """An installation with the password of every test slapd's reader beside it."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder, os.environ)
        password = folder / "hr.password"
        password.touch(mode=0o600)
        password.write_text(f"{READER_PASSWORD}\n")
        self.configure()

    def application(self, name: str = "portal") -> dict[str, Any]:
        """Add an application that may see everything."""
        added = self("application", "add", name, "--json")
        assert added.code == 0, added
        return dict(added.json)

    @contextmanager
    def observed(self, credentials: dict[str, Any]) -> Iterator[Observer]:
        """Serve; the observer is connected."""
        with self.serve() as serving:
            until(lambda: "view serves" in serving.log_text(), "the view serves")
            observer = Observer(serving, credentials)
            try:
                yield observer
            finally:
                observer.close()

    def source(self, name: str = "hr") -> dict[str, Any]:
        """What `gateway status` says of a source."""
        [row] = self("status", name, "--json").json["sources"]
        return dict(row)


def libldap(url: str, dn: str, password: str) -> Any:
    """A bound python-ldap connection."""
    connection = ldap.initialize(url)
    connection.set_option(ldap.OPT_NETWORK_TIMEOUT, TIMEOUT_SECONDS)
    connection.set_option(ldap.OPT_TIMEOUT, TIMEOUT_SECONDS)
    connection.simple_bind_s(dn, password)
    return connection


def of_upstream(upstream: Slapd) -> Portrait:
    """Its present state, read as its administrator."""
    connection = libldap(upstream.url, upstream.admin.dn, upstream.admin.password)
    try:
        return portraits.of_upstream(connection, upstream.suffix)
    finally:
        connection.unbind_s()


def readiness(address: str) -> dict[str, Any]:
    """The status in /readyz, and the detail of each check that failed by its name."""
    try:
        with urllib.request.urlopen(f"http://{address}/readyz", timeout=20) as answer:
            found = json.load(answer)
    except urllib.error.HTTPError as refused:
        found = json.load(refused)
    return {"status": found["status"], **{check["name"]: check["detail"] for check in found["checks"] if not check["ok"]}}
