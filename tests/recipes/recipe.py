"""The files of conf/clients/ as an administrator copies them: only addresses, the secret and a program's own ports are put in.

The first three lines of a recipe's main file, in the program's own comments, are read as well:
what it does; what the gateway needs for it; "Tested with PROGRAM VERSION from SOURCE (PACKAGE)".
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path

CLIENTS = Path(__file__).parents[2] / "conf" / "clients"
PORT, TLS_PORT, SECRET = "3890", "6360", "application-secret"
AUTHORITY = "/etc/ssl/certs/directory-gateway-ca.pem"
TESTED = re.compile(
    r"Tested with (?P<program>.+) (?P<version>[\d.]+) from (?P<origin>Debian 12|PyPI|npm) \((?P<package>\S+)\)\."
)
COMMENT = re.compile(r"^(?:#|//|--|;|<\?php //)\s*")


@dataclass(frozen=True, slots=True)
class Addresses:
    """Where the gateway is, and the secret of its application; `ca`: the PEM file that signed its certificate."""

    port: int
    tls_port: int
    secret: str = field(repr=False)
    ca: Path

    @property
    def url(self) -> str:
        return f"ldap://127.0.0.1:{self.port}"


@dataclass(frozen=True, slots=True)
class Head:
    """What a recipe says of itself."""

    title: str
    works: str
    needs: str
    program: str
    version: str
    origin: str
    package: str


def names() -> list[str]:
    """Every recipe: the folders of conf/clients/."""
    return sorted(folder.name for folder in CLIENTS.iterdir() if folder.is_dir())


def main_file(name: str) -> Path:
    """The one file of the recipe that has a head; AssertionError when it is not exactly one."""
    [found] = [file for file in sorted((CLIENTS / name).iterdir()) if TESTED.search(file.read_text())]
    return found


def head(name: str) -> Head:
    """The first lines of the main file."""
    lines = (COMMENT.sub("", line) for line in main_file(name).read_text().splitlines() if not line.startswith("#!"))
    title, needs, tested = next(lines), next(lines), next(lines)
    found = TESTED.fullmatch(tested)
    assert found and needs.startswith("Gateway: "), f"{name}: {tested}"
    program, works = title.split(": ", 1)
    return Head(program, works.rstrip("."), needs.removeprefix("Gateway: ").rstrip("."), **found.groupdict())


def text(file: str, gateway: Addresses, **replaced: object) -> str:
    """A file of conf/clients/ for this gateway. `replaced`: further words of the file, spelled as keywords can be: `_8081` is
    the number 8081. AssertionError when a word does not occur."""
    written = (CLIENTS / file).read_text()
    for word, value in replaced.items():
        word = word.removeprefix("_")
        assert word in written, f"{file} has no {word}"
        written = written.replace(word, str(value))
    return written.replace(PORT, str(gateway.port)).replace(TLS_PORT, str(gateway.tls_port)).replace(SECRET, gateway.secret)
