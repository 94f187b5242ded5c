"""Samba AD domains that are made once and copied: a provision takes seconds, a copy of the stopped domain takes none.

They are kept below /var/tmp, in folders named by a hash of everything that decides their content, and may be deleted any time.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.servers.processes import ServerFailedError, program

CACHE = Path("/var/tmp/directory-gateway-tests")
SYSTEM_PYTHON = "/usr/bin/python3"  # Debian's python3-samba is made for this one
DOMAIN = Path(__file__).with_name("samba_domain.py")
SHIM = Path(__file__).with_name("shifted_ports.c")
PASSWORD = "Passw0rd!Adm"

BASE_CONFIGURATION = """\
[global]
log file = {folder}/samba.log
pid directory = {folder}/run
ncalrpc dir = {folder}/run/ncalrpc
winbindd socket directory = {folder}/run/winbindd
ntp signd socket directory = {folder}/run/ntp
interfaces = 127.0.0.1/8
bind interfaces only = yes
server services = ldap
tls enabled = no
vfs objects = dfs_samba4 acl_xattr xattr_tdb
xattr_tdb:file = {folder}/xattr.tdb
dns update command = /bin/true
spn update command = /bin/true
disable netbios = yes
"""


def copy(folder: Path, filling: tuple[int, int, int] | None = None) -> None:
    """A domain of its own in `folder`, which must not be there; `filling`: people, groups, members of each."""
    template = _template() if filling is None else _filled(filling)
    _copy(template, folder)
    configuration = folder / "etc" / "smb.conf"
    configuration.write_text(configuration.read_text().replace(str(template), str(folder)))


def replicate(original: Path, folder: Path) -> None:
    """The domain of a stopped controller in another folder, as another controller's: with an invocationId of its own."""
    _copy(original, folder)
    for left in ("run", "private/tls"):
        shutil.rmtree(folder / left, ignore_errors=True)
    (folder / "run").mkdir()
    configuration = folder / "etc" / "smb.conf"
    configuration.write_text(configuration.read_text().replace(str(original), str(folder)))
    domain("reinvoke", str(folder))


def shim() -> Path:
    """The library that moves Samba's ports."""
    library = _cache() / f"shifted-ports-{_hash(SHIM.read_bytes())}.so"
    if not library.exists():
        growing = library.with_suffix(f".{os.getpid()}")
        _run(program("gcc", "gcc"), "-shared", "-fPIC", "-O2", "-o", str(growing), str(SHIM), "-ldl")
        growing.rename(library)
    return library


def domain(*arguments: str) -> None:
    """Run samba_domain.py."""
    program("samba", "samba")
    _run(SYSTEM_PYTHON, "-P", str(DOMAIN), *arguments)  # -P: samba is not the module beside it


def _template() -> Path:
    template = _cache() / f"samba-{_hash(DOMAIN.read_bytes() + BASE_CONFIGURATION.encode())}"
    with _locked(template):
        if not template.exists():
            _make(template)
    return template


def _make(template: Path) -> None:
    """The folder's final name is written into its files: what broke off has no finished mark and is made anew."""
    growing = template.with_suffix(".growing")
    shutil.rmtree(growing, ignore_errors=True)
    (growing / "run").mkdir(parents=True)
    (growing / "base.conf").write_text(BASE_CONFIGURATION.format(folder=growing))
    domain("provision", str(growing), PASSWORD)
    _settle(growing, template)


def _filled(filling: tuple[int, int, int]) -> Path:
    empty = _template()
    filled = empty.with_name(f"{empty.name}-{'-'.join(map(str, filling))}")
    with _locked(filled):
        if not filled.exists():
            growing = filled.with_suffix(".growing")
            shutil.rmtree(growing, ignore_errors=True)
            _copy(empty, growing)
            configuration = growing / "etc" / "smb.conf"
            configuration.write_text(configuration.read_text().replace(str(empty), str(growing)))
            domain("fill", str(growing), *map(str, filling))
            _settle(growing, filled)
    return filled


def _settle(growing: Path, final: Path) -> None:
    configuration = growing / "etc" / "smb.conf"
    configuration.write_text(configuration.read_text().replace(str(growing), str(final)))
    growing.rename(final)


@contextmanager
def _locked(template: Path) -> Iterator[None]:
    """Held by one process: several workers want the same template at the same time."""
    with template.with_suffix(".lock").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _cache() -> Path:
    cache = CACHE / f"user-{os.geteuid()}"
    cache.mkdir(parents=True, exist_ok=True, mode=0o755)
    return cache


def _copy(source: Path, target: Path) -> None:
    _run("cp", "-a", "--reflink=auto", "--sparse=always", str(source), str(target))


def _hash(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()[:12]


def _run(*command: str) -> None:
    done = subprocess.run(command, capture_output=True, text=True, cwd=tempfile.gettempdir())
    if done.returncode != 0:
        raise ServerFailedError(f"{command[0]} failed with {done.returncode}:\n{done.stderr[-2000:]}")
