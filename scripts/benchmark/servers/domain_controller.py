"""A real AD domain controller (tests.servers.samba) that holds a directory of the same nesting, but smaller."""

from __future__ import annotations

from pathlib import Path

from scripts.benchmark.load_generator.load import Endpoint
from scripts.benchmark.servers.contenders import Contender
from scripts.benchmark.servers.sample import Size
from tests.servers.pki import Pki
from tests.servers.samba import BASE, Samba

PERSON = f"CN=user%06d,OU=bench,{BASE}"


def start(directory: Path, pki: Pki, size: Size) -> Samba:
    """Running, and filled. A domain of this size is made once and kept (tests.servers.samba_template): it takes minutes."""
    return Samba(directory, pki, (size.people, size.groups, size.members)).start()


def contender(server: Samba) -> Contender:
    """Its plain port, as the administrator."""
    endpoint = Endpoint(server.port, server.admin.dn, server.admin.password, BASE)
    return Contender("Samba AD", endpoint, PERSON, lambda: server.pid, server.kill, lambda: None)
