"""The slapds that stand beside the gateway in single rows: without an index, with AD's attributes, durable, and as a
proxy."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from scripts.benchmark.servers import sample
from scripts.benchmark.servers.contenders import PROVIDER, start_slapd
from scripts.benchmark.servers.prepared import Prepared
from tests.servers.pki import Pki
from tests.servers.processes import ServerProcess, accepts, free_port, program
from tests.servers.slapd import Slapd
from tests.servers.slapd_configuration import SCHEMAS

WITHOUT_SUBSTRINGS = ("objectClass,entryUUID,entryCSN,uid,sn,mail,member,cn eq",)
AD_INDEXES = "index sAMAccountName,userPrincipalName,objectCategory eq"


def unindexed(directory: Path, pki: Pki, prepared: Prepared, size: sample.Size) -> Slapd:
    """The provider's data where no index serves a piece of a cn."""
    options = replace(PROVIDER, syncprov=False, indexes=WITHOUT_SUBSTRINGS)
    return start_slapd(directory, pki, options, sample.directory(size), prepared, f"slapd-unindexed-{size.name}")


def with_ad_attributes(directory: Path, pki: Pki, prepared: Prepared, size: sample.Size) -> Slapd:
    """The people with sAMAccountName and objectCategory, both indexed."""
    options = replace(PROVIDER, syncprov=False, extra=(*sample.AD_SCHEMA, AD_INDEXES))
    return start_slapd(directory, pki, options, sample.ad_directory(size), prepared, f"slapd-ad-{size.name}")


def durable(directory: Path, pki: Pki, prepared: Prepared, size: sample.Size) -> Slapd:
    """The provider's data, with slapd's own default: each change is synced to disk before it is answered."""
    options = replace(PROVIDER, syncprov=False, durable=True)
    return start_slapd(directory, pki, options, sample.directory(size), prepared, f"slapd-durable-{size.name}")


class Proxy:
    """slapd with back-ldap, as slapd-ldap(5) has it by default, in front of another slapd."""

    def __init__(self, directory: Path, upstream: Slapd) -> None:
        directory.mkdir()
        self.port = free_port()
        configuration = directory / "slapd.conf"
        lines = [f"include /etc/ldap/schema/{name}.schema" for name in SCHEMAS]
        lines += ["modulepath /usr/lib/ldap", "moduleload back_ldap", f"pidfile {directory}/slapd.pid"]
        lines += ["database ldap", f'suffix "{upstream.suffix}"', f'uri "{upstream.url}"', ""]
        configuration.write_text("\n".join(lines))
        command = [program("slapd", "slapd"), "-f", str(configuration), "-h", f"ldap://127.0.0.1:{self.port}/", "-d", "0"]
        self._process = ServerProcess(command, directory / "slapd.out", cwd=directory)
        self._process.start(lambda: accepts(self.port))

    def end(self) -> None:
        self._process.kill()
