"""A real Active Directory domain controller: Samba's, its LDAP service alone, in a temporary folder and on ports of its own.

No root is needed. What it does not do as Windows does is tested against a script (scripted_domain_controller.py).
"""

from __future__ import annotations

import os
import shutil
import socket
from collections.abc import Mapping, Sequence
from pathlib import Path

import ldap3

from tests.servers import samba_template
from tests.servers.pki import Pki
from tests.servers.processes import PORTS, ServerFailedError, ServerProcess, accepts, free_port, program
from tests.servers.slapd_configuration import Account

BASE = "DC=ad,DC=example,DC=test"
NETBIOS, REALM = "ADTEST", "ad.example.test"
LDAP, LDAPS, CATALOG, CATALOG_TLS = 389, 636, 3268, 3269
REPLY_SECONDS = 60  # a subtree that is renamed blocks everything else
NORMAL, DISABLED = 512, 514

# A provision writes a new smb.conf and forgets the first two; the tests want a plain port, and old passwords refused at once.
OPTIONS = """\
[global]
\tldap server require strong auth = no
\told password allowed period = 0
\ttls enabled = yes
\ttls keyfile = {folder}/server.key
\ttls certfile = {certificate}
\ttls cafile = {ca}
"""

_OURS = ("\ttls ", *(line.partition("=")[0] for line in OPTIONS.splitlines()[1:]))

Values = Sequence[str | bytes]


class Samba:
    """One domain controller with a domain of its own that keeps its ports and its data over stop, kill and restart. Not started
    by the constructor. `filling`: so many people, groups and members of each group below OU=bench. `copy_of`: another one,
    not running, as whose replica it begins: the same entries in a database of its own."""

    def __init__(
        self, directory: Path, pki: Pki, filling: tuple[int, int, int] | None = None, copy_of: Samba | None = None
    ) -> None:
        self.directory = directory
        self.base = BASE
        if copy_of is None:
            samba_template.copy(directory, filling)
        else:
            samba_template.replicate(copy_of.directory, directory)
        shift = _free_shift()
        self.port, self.ldaps_port = LDAP + shift, LDAPS + shift
        self.url, self.ldaps_url = f"ldap://127.0.0.1:{self.port}", f"ldaps://127.0.0.1:{self.ldaps_port}"
        self.admin = Account(f"{NETBIOS}\\Administrator", samba_template.PASSWORD)
        self._connections: list[ldap3.Connection] = []
        key = directory / "server.key"
        key.touch(mode=0o600)  # Samba refuses a key that others may read
        shutil.copyfile(pki.key, key)
        configuration = directory / "etc" / "smb.conf"
        options = OPTIONS.format(folder=directory, certificate=pki.certificate, ca=pki.ca)
        plain = "".join(line for line in configuration.read_text().splitlines(True) if not line.startswith(_OURS))
        configuration.write_text(plain.replace("[global]\n", options, 1))
        command = [program("samba", "samba"), "-s", str(configuration), "-F", "-M", "single", "--no-process-group"]
        environ = {**os.environ, "LD_PRELOAD": str(samba_template.shim()), "PORT_SHIFT": str(shift)}
        self._process = ServerProcess(command, directory / "samba.out", cwd=directory, environ=environ)

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def running(self) -> bool:
        return self._process.running

    def start(self) -> Samba:
        """Returns when it accepts connections."""
        self._process.start(lambda: accepts(self.port) and accepts(self.ldaps_port))
        return self

    def kill(self) -> None:
        """SIGKILL: no answer, no farewell."""
        self._process.kill()

    def end(self) -> None:
        """Kill the server, close every connection that connect() gave out, and remove its folder."""
        self.kill()
        while self._connections:
            self._connections.pop().strategy.close()
        shutil.rmtree(self.directory, ignore_errors=True)

    def suspend(self) -> None:
        """A server that accepts connections and never answers."""
        self._process.suspend()

    def resume(self) -> None:
        self._process.resume()

    def connect(self, name: str = "", password: str = "") -> ldap3.Connection:
        """A new ldap3 connection, bound as the administrator or `name`; every failed operation raises LDAPException."""
        server = ldap3.Server(self.ldaps_url, get_info=ldap3.NONE)
        self._connections.append(
            ldap3.Connection(
                server,
                name or self.admin.dn,
                password or self.admin.password,
                raise_exceptions=True,
                check_names=False,
                receive_timeout=REPLY_SECONDS,
                auto_referrals=False,
            )
        )
        self._connections[-1].bind()
        return self._connections[-1]

    def dn(self, name: str, below: str = "") -> str:
        """`name` below the domain, or below a unit in it."""
        return ",".join(part for part in (name, below, self.base) if part)

    def add(self, dn: str, object_class: str | Sequence[str], attributes: Mapping[str, object]) -> None:
        """Add one entry, as the administrator."""
        self._administrator.add(dn, object_class, attributes)

    def modify(self, dn: str, attributes: Mapping[str, Values]) -> None:
        """Replace these attributes' values; no values removes the attribute."""
        self._change(dn, ldap3.MODIFY_REPLACE, attributes)

    def add_values(self, dn: str, attributes: Mapping[str, Values]) -> None:
        self._change(dn, ldap3.MODIFY_ADD, attributes)

    def delete_values(self, dn: str, attributes: Mapping[str, Values]) -> None:
        self._change(dn, ldap3.MODIFY_DELETE, attributes)

    def delete(self, dn: str) -> None:
        self._administrator.delete(dn)

    def rename(self, dn: str, rdn: str, new_superior: str | None = None) -> str:
        """Give the entry another RDN, below `new_superior` when there is one; its new DN."""
        self._administrator.modify_dn(dn, rdn, new_superior=new_superior)
        return f"{rdn},{new_superior or dn.partition(',')[2]}"

    def values(self, dn: str, attribute: str) -> list[bytes]:
        """The values of one attribute, as they are on the wire."""
        self._administrator.search(dn, "(objectClass=*)", ldap3.BASE, attributes=[attribute])
        [entry] = [found for found in self._administrator.response if found["type"] == "searchResEntry"]
        return list(entry["raw_attributes"][attribute])

    def add_user(self, name: str, below: str = "", password: str = "", **attributes: object) -> str:
        """A user CN=name; enabled when there is a password. Its DN."""
        dn = self.dn(f"CN={name}", below)
        control = NORMAL if password else DISABLED
        plain: dict[str, object] = {"sAMAccountName": name, "userAccountControl": str(control)}
        secret = {"unicodePwd": f'"{password}"'.encode("utf-16-le")} if password else {}
        self.add(dn, "user", {**plain, **secret, **attributes})
        return dn

    def add_unit(self, name: str, below: str = "") -> str:
        dn = self.dn(f"OU={name}", below)
        self.add(dn, "organizationalUnit", {})
        return dn

    def add_group(self, name: str, *members: str, below: str = "", **attributes: object) -> str:
        dn = self.dn(f"CN={name}", below)
        told = {"member": list(members)} if members else {}
        self.add(dn, "group", {"sAMAccountName": name, **told, **attributes})
        return dn

    def set_raw(self, dn: str, attribute: str, value: str) -> None:
        """What AD's rules do not let anybody write: behind the server's back, in its database."""
        samba_template.domain("set", str(self.directory), dn, attribute, value)

    def allow_dirsync(self, account: str) -> None:
        """Give the account "Replicating Directory Changes", and nothing else."""
        self._grant(self.base, "(OA;;CR;1131f6aa-9c07-11d1-f79f-00c04fc2dcd2;;{})", account)

    def show_deleted(self, account: str) -> None:
        """Give the account the right to list the deleted objects and read them."""
        self._grant(f"CN=Deleted Objects,{self.base}", "(A;;LCRP;;;{})", account)

    def _grant(self, dn: str, rule: str, account: str) -> None:
        """Add a rule (SDDL) for the account whose security identifier goes into it ([MS-DTYP] §2.4.2.1)."""
        [sid] = self.values(account, "objectSid")
        authorities = (int.from_bytes(sid[at : at + 4], "little") for at in range(8, len(sid), 4))
        parts = (sid[0], int.from_bytes(sid[2:8]), *authorities)
        samba_template.domain("grant", str(self.directory), dn, rule.format("S-" + "-".join(map(str, parts))))

    @property
    def _administrator(self) -> ldap3.Connection:
        """The one connection that changes are made on."""
        if not self._connections:
            self.connect()
        return self._connections[0]

    def _change(self, dn: str, operation: str, attributes: Mapping[str, Values]) -> None:
        self._administrator.modify(dn, {name: [(operation, list(values))] for name, values in attributes.items()})


def _free_shift() -> int:
    """By how much the four ports are moved: far enough that all of them are free."""
    for _ in range(200):
        shift = free_port() - LDAP
        ports = [port + shift for port in (LDAP, LDAPS, CATALOG, CATALOG_TLS)]
        if ports[-1] in PORTS and all(map(_is_free, ports)):
            return shift
    raise ServerFailedError("no four free ports for a domain controller")


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True
