"""A real AD domain controller (Samba, its LDAP service alone) that holds a directory of the same nesting, but smaller."""

from __future__ import annotations

import os
import socket
import subprocess
from contextlib import suppress
from pathlib import Path

from scripts.benchmark.contenders import BenchError, Contender
from scripts.benchmark.load import Endpoint
from scripts.benchmark.sample import Size
from tests.servers.processes import ServerProcess, program

SYSTEM_PYTHON = "/usr/bin/python3"  # Debian's python3-samba is made for this one
LOADER = Path(__file__).with_name("domain_controller_load.py")
ADDRESS = "127.0.0.73"  # Samba's ports cannot be chosen, its address can
BASE = "DC=ad,DC=example,DC=test"
ADMINISTRATOR, PASSWORD = "ADTEST\\Administrator", "Passw0rd!Adm"
FIRST_CONFIGURATION = """\
[global]
log file = {directory}/samba.log
pid directory = {directory}/run
ncalrpc dir = {directory}/run/ncalrpc
winbindd socket directory = {directory}/run/winbindd
ntp signd socket directory = {directory}/run/ntp
interfaces = {address}/8
bind interfaces only = yes
server services = ldap
tls enabled = no
vfs objects = dfs_samba4 acl_xattr xattr_tdb
xattr_tdb:file = {directory}/xattr.tdb
dns update command = /bin/true
spn update command = /bin/true
disable netbios = yes
"""
AFTER_PROVISION = "[global]\n\tldap server require strong auth = no\n"  # the provision forgets this one


class Samba:
    """One domain controller; running after the constructor. Its folder's path is written into its files: nothing is kept."""

    def __init__(self, directory: Path, size: Size) -> None:
        if os.geteuid() != 0:
            raise BenchError("Samba's LDAP service listens on port 389 only: this row needs root")
        (directory / "run").mkdir(parents=True)
        (directory / "base.conf").write_text(FIRST_CONFIGURATION.format(directory=directory, address=ADDRESS))
        self._provision(directory, size)
        configuration = directory / "etc" / "smb.conf"
        configuration.write_text(configuration.read_text().replace("[global]\n", AFTER_PROVISION, 1))
        command = [program("samba", "samba"), "-s", str(configuration), "-F", "-M", "single"]
        self._process = ServerProcess(command, directory / "samba.out", cwd=directory)
        self._process.start(lambda: _listens(ADDRESS, 389))

    def contender(self) -> Contender:
        endpoint = Endpoint(389, ADMINISTRATOR, PASSWORD, BASE, host=ADDRESS)
        person = f"CN=user%06d,OU=bench,{BASE}"
        return Contender("Samba AD", endpoint, person, lambda: self._process.pid, self._process.stop, lambda: None)

    def end(self) -> None:
        self._process.kill()

    def _provision(self, directory: Path, size: Size) -> None:
        numbers = [str(number) for number in (size.people, size.groups, size.members)]
        line = [SYSTEM_PYTHON, str(LOADER), str(directory), PASSWORD, ADDRESS, *numbers]
        done = subprocess.run(line, capture_output=True, text=True)
        if done.returncode != 0:
            raise BenchError(f"Samba's directory could not be made:\n{done.stderr[-2000:]}")


def _listens(address: str, port: int) -> bool:
    with suppress(OSError), socket.create_connection((address, port), timeout=1):
        return True
    return False
