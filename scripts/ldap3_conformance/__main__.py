"""Runs ldap3's own tests against slapd and against the gateway, and prints those that pass on slapd alone, with the reason.

Exit code 1 when there are such. The tests come from PyPI, at a pinned version."""

import argparse
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from scripts.ldap3_conformance import fetch, world

CACHE = Path(tempfile.gettempdir()) / "directory-gateway-ldap3"


def outcomes(tests: Path, access: Mapping[str, Any]) -> dict[str, str | None]:
    """Return what each test raised on this server; None: it passed."""
    command = [sys.executable, "-W", "ignore", "-m", "scripts.ldap3_conformance.runner", str(tests)]
    environ = {**os.environ, "LDAP3_SUITE": json.dumps(access)}
    done = subprocess.run(command, env=environ, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, check=True)
    return dict(json.loads(line) for line in done.stdout.splitlines())


def main() -> int:
    parser = argparse.ArgumentParser(prog="scripts/ldap3_suite", description=" ".join((__doc__ or "").split()))
    parser.add_argument("--cache", type=Path, default=CACHE, help=f"where the tests are kept (default: {CACHE})")
    tests = fetch.fetched(parser.parse_args().cache)
    with tempfile.TemporaryDirectory(prefix="directory-gateway-ldap3-") as folder, world.servers(Path(folder)) as servers:
        found = {name: outcomes(tests, access) for name, access in servers.items()}
    for name, results in found.items():
        print(f"{name}: {sum(raised is None for raised in results.values())} of {len(results)} pass")
    passed = [name for name, raised in found["slapd"].items() if raised is None]
    missed = {name: raised for name in passed if (raised := found["gateway"].get(name, "it did not run")) is not None}
    for name, raised in sorted(missed.items()):
        print(f"  only on slapd: {name}\n    {raised}")
    return int(bool(missed))


if __name__ == "__main__":
    sys.exit(main())
