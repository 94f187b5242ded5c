"""Clients that nobody here wrote: OpenLDAP's command line tools, python-ldap (libldap) and ldap3. All of them block."""

from __future__ import annotations

import contextlib
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import ldap
import ldap3

from tests.frontends.ldap.serving import TIMEOUT_SECONDS, Account, Serving
from tests.servers.processes import program

ANONYMOUS = Account("", "")


def tool(
    name: str, url: str, account: Account | None, *arguments: str, ca: Path | None = None, text: str = ""
) -> subprocess.CompletedProcess[str]:
    """Runs one of the tools with a simple bind (None: without -x, as people forget it)."""
    bind = [] if account is None else ["-x", *(["-D", account.dn, "-w", account.password] if account.dn else [])]
    environment = {**os.environ, "LDAPNOINIT": "1"}
    if ca is not None:
        del environment["LDAPNOINIT"]  # it would keep libldap from reading LDAPTLS_CACERT
        environment.update(LDAPTLS_CACERT=str(ca), LDAPTLS_REQCERT="demand")
    return subprocess.run(
        [program(name, "ldap-utils"), "-H", url, *bind, *arguments],
        input=text,
        capture_output=True,
        text=True,
        timeout=TIMEOUT_SECONDS,
        env=environment,
    )


@contextlib.contextmanager
def libldap(serving: Serving, account: Account = ANONYMOUS, *, url: str = "", ca: Path | None = None) -> Iterator[Any]:
    """A bound python-ldap connection; anonymous ones have not bound at all."""
    connection = ldap.initialize(url or serving.url)
    connection.set_option(ldap.OPT_NETWORK_TIMEOUT, TIMEOUT_SECONDS)
    connection.set_option(ldap.OPT_REFERRALS, 0)
    if ca is not None:
        connection.set_option(ldap.OPT_X_TLS_CACERTFILE, str(ca))
        connection.set_option(ldap.OPT_X_TLS_REQUIRE_CERT, ldap.OPT_X_TLS_DEMAND)
        connection.set_option(ldap.OPT_X_TLS_NEWCTX, 0)
    try:
        if account.dn:
            connection.simple_bind_s(account.dn, account.password)
        yield connection
    finally:
        connection.unbind_s()


@contextlib.contextmanager
def pure(serving: Serving, account: Account, **options: Any) -> Iterator[Any]:
    """A bound ldap3 connection with the server's schema read."""
    server = ldap3.Server(serving.url, get_info=ldap3.ALL, connect_timeout=TIMEOUT_SECONDS)
    connection = ldap3.Connection(
        server, account.dn, account.password, auto_bind=True, receive_timeout=TIMEOUT_SECONDS, **options
    )
    try:
        yield connection
    finally:
        connection.unbind()
