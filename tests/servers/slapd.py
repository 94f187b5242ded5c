"""A real OpenLDAP server in a temporary folder, with the overlays that its users have and the ways in which it fails.

`slapadd` passes overlays by: what is loaded that way gets no memberOf. Use add() where the overlay matters.
"""

from __future__ import annotations

import subprocess
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import ldap3

from tests.servers.people import READER_PASSWORD, base_tree
from tests.servers.pki import Pki
from tests.servers.processes import ServerFailedError, ServerProcess, accepts, demoted, free_port, program
from tests.servers.slapd_configuration import SERVER_ID, Account, SlapdOptions, configuration

ADMIN_PASSWORD = "admin-secret"
REPLY_SECONDS = 30  # a suspended server must fail a test, not hang it

Values = Sequence[str | bytes]


class Slapd:
    """One server that keeps its ports and its data over stop, kill and restart. Not started by the constructor."""

    def __init__(self, directory: Path, pki: Pki, options: SlapdOptions | None = None) -> None:
        self.directory = directory
        self.options = options or SlapdOptions()
        self.suffix = self.options.suffix
        self.port, self.ldaps_port = free_port(), free_port()
        self.url, self.ldaps_url = f"ldap://127.0.0.1:{self.port}", f"ldaps://127.0.0.1:{self.ldaps_port}"
        self.admin = Account(f"cn=admin,{self.suffix}", ADMIN_PASSWORD)
        self.reader = Account(f"cn=reader,{self.suffix}", READER_PASSWORD)
        self._configuration = directory / "slapd.conf"
        self._connections: list[ldap3.Connection] = []
        for folder in (directory / "db", directory / "log"):
            folder.mkdir(parents=True)
        self._configuration.write_text(configuration(self.options, directory, pki, self.admin))
        listeners = f"{self.url}/ {self.ldaps_url}/"
        command = [program("slapd", "slapd"), "-f", str(self._configuration), "-h", listeners, "-d", self.options.log]
        self._process = ServerProcess(command, directory / "slapd.out", cwd=directory)

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def running(self) -> bool:
        return self._process.running

    def start(self, ldif: str | Iterable[str] | None = None) -> Slapd:
        """Start the server, after loading `ldif` when there is one; returns when it accepts connections."""
        if ldif is not None:
            self._slapadd(ldif)
        self._process.start(lambda: accepts(self.port))
        return self

    def stop(self) -> None:
        """An orderly end: clients see their connections closed."""
        self._process.stop()

    def restart(self) -> None:
        self.stop()
        self.start()

    def kill(self) -> None:
        """SIGKILL: no answer, no farewell."""
        self._process.kill()

    def end(self) -> None:
        """Kill the server and close every connection that connect() gave out."""
        self.kill()
        self.close_connections()

    def close_connections(self) -> None:
        while self._connections:
            self._connections.pop().strategy.close()

    def suspend(self) -> None:
        """A server that accepts connections and never answers."""
        self._process.suspend()

    def resume(self) -> None:
        self._process.resume()

    def log_text(self) -> str:
        """What slapd has logged so far, over all starts."""
        return self._process.log_text()

    def load(self, ldif: str | Iterable[str]) -> None:
        """Load many entries fast (slapadd -q), stopping the server for as long when it runs."""
        was_running = self.running
        if was_running:
            self.stop()
        self._slapadd(ldif)
        if was_running:
            self.start()

    def connect(self, account: Account | None = None) -> ldap3.Connection:
        """A new ldap3 connection, bound as the administrator or `account`; every failed operation raises LDAPException.

        Closed by end() at the latest: a `with` block does not close an ldap3 connection that was bound before it.
        """
        self._connections.append(self._unbound(account or self.admin))
        self._connections[-1].bind()
        return self._connections[-1]

    def _unbound(self, who: Account) -> ldap3.Connection:
        server = ldap3.Server(self.url, get_info=ldap3.NONE)
        return ldap3.Connection(
            server, who.dn, who.password, raise_exceptions=True, check_names=False, receive_timeout=REPLY_SECONDS
        )

    def add(self, dn: str, object_class: str | Sequence[str], attributes: Mapping[str, object]) -> None:
        """Add one entry, as the administrator."""
        with self._unbound(self.admin) as connection:
            connection.add(dn, object_class, attributes)

    def modify(self, dn: str, attributes: Mapping[str, Values]) -> None:
        """Replace these attributes' values; no values removes the attribute."""
        self._change(dn, ldap3.MODIFY_REPLACE, attributes)

    def add_values(self, dn: str, attributes: Mapping[str, Values]) -> None:
        self._change(dn, ldap3.MODIFY_ADD, attributes)

    def delete_values(self, dn: str, attributes: Mapping[str, Values]) -> None:
        self._change(dn, ldap3.MODIFY_DELETE, attributes)

    def delete(self, dn: str) -> None:
        with self._unbound(self.admin) as connection:
            connection.delete(dn)

    def rename(self, dn: str, rdn: str, new_superior: str | None = None) -> str:
        """Give the entry another RDN (the old value goes), below `new_superior` when there is one; its new DN."""
        with self._unbound(self.admin) as connection:
            connection.modify_dn(dn, rdn, delete_old_dn=True, new_superior=new_superior)
        return f"{rdn},{new_superior or dn.partition(',')[2]}"

    def _change(self, dn: str, operation: str, attributes: Mapping[str, Values]) -> None:
        with self._unbound(self.admin) as connection:
            connection.modify(dn, {name: [(operation, list(values))] for name, values in attributes.items()})

    def _slapadd(self, ldif: str | Iterable[str]) -> None:
        source = self.directory / "load.ldif"
        with source.open("w", encoding="utf-8") as output:
            output.writelines([ldif] if isinstance(ldif, str) else ldif)
        # -S puts the server's id into each entryCSN and -w writes the contextCSN: without them a syncrepl cookie starts wrong.
        command = [program("slapadd", "slapd"), "-q", "-w", "-S", str(SERVER_ID), "-f", str(self._configuration)]
        command += ["-b", self.suffix, "-l", str(source)]
        done = subprocess.run([*demoted(None), *command], capture_output=True, text=True, cwd=self.directory)
        if done.returncode != 0:
            raise ServerFailedError(f"slapadd failed with {done.returncode}:\n{done.stderr[-2000:]}")
        source.unlink()


def start(directory: Path, pki: Pki, options: SlapdOptions | None = None, ldif: str | Iterable[str] = "") -> Slapd:
    """A running server that holds `base_tree` and, on top of it, `ldif`."""
    server = Slapd(directory, pki, options)
    records = [ldif] if isinstance(ldif, str) else ldif
    return server.start(part for source in ([base_tree(server.suffix)], records) for part in source)
