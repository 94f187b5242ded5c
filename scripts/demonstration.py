"""The program of `scripts/demo`: a gateway in a temporary folder that serves the sample directory, and commands to try it
with."""

from __future__ import annotations

import json
import os
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from textwrap import dedent
from typing import Any

ROOT = Path(__file__).parents[1]
GATEWAY = [sys.executable, "-m", "gateway"]
BASE_DN = "dc=directory,dc=example"
APPLICATION = "sample-portal"
PERSON = "anna.muller"
PERSON_DN = f"uid={PERSON},ou=people,{BASE_DN}"
PREFERRED_PORTS = {"ldap": 3890, "http": 8080, "management": 9390}
PORTS_TRIED = 200
START_SECONDS = 60.0


def free_port(preferred: int, taken: set[int]) -> int:
    """Return the first free port from `preferred` on."""
    for port in range(preferred, preferred + PORTS_TRIED):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
        if port not in taken:
            taken.add(port)
            return port
    raise SystemExit(f"scripts/demo: no free port from {preferred} on")


def configuration(folder: Path, ports: dict[str, int]) -> str:
    return dedent(
        f"""\
        [gateway]
        data_dir = "{folder}/data"

        [ldap]
        listen = "127.0.0.1:{ports["ldap"]}"

        [http]
        listen = "127.0.0.1:{ports["http"]}"

        [management]
        listen = "127.0.0.1:{ports["management"]}"

        [log]
        level = "warning"

        [[view]]
        base_dn = "{BASE_DN}"

        [[source]]
        name = "sample"
        kind = "ldif"
        path = "{ROOT}/conf/sample/directory.ldif"
        """
    )


def gateway(file: Path, *arguments: str, typed: str = "") -> str:
    """Return the output of one command that is given a line of standard input; its complaint ends the demonstration."""
    command = [*GATEWAY, "--config", str(file), *arguments]
    done = subprocess.run(command, input=typed, capture_output=True, text=True, cwd=ROOT)
    if done.returncode != 0:
        raise SystemExit(f"scripts/demo: gateway {arguments[0]} failed:\n{done.stdout}{done.stderr}")
    return done.stdout


def wait_until_ready(process: subprocess.Popen[bytes], port: int) -> None:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        if process.poll() is not None:
            raise SystemExit(f"scripts/demo: gateway serve ended with {process.returncode}")
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/readyz", timeout=5):
                return
        except (urllib.error.URLError, OSError):
            time.sleep(0.1)
    raise SystemExit(f"scripts/demo: the gateway was not ready after {START_SECONDS:.0f} s")


def instructions(ports: dict[str, int], application: dict[str, Any], password: str) -> Iterator[str]:
    """Yield the lines to print, commands ready to paste among them; `password` is that of PERSON."""
    server = f"-H ldap://127.0.0.1:{ports['ldap']}"
    bind = f"-x -LLL {server} -D '{application['bind_dns'][0]}' -w '{application['secret']}'"
    token = (
        f"curl -s -d grant_type=client_credentials -d client_id={application['client_id']} "
        f"-d client_secret={application['secret']} {application['base_url']}/oauth2/token"
    )
    access = r"""sed -E 's/.*"access_token":"([^"]+)".*/\1/'"""
    yield "The gateway serves the sample directory: 200 people, an organization tree, groups in groups."
    yield "Try in another terminal:"
    yield from ("", "A person by login name, with groups:")
    yield f"ldapsearch {bind} -b {BASE_DN} '(uid={PERSON})' '*' memberOf"
    yield from ("", "That person logs in, with the DN that was found:")
    yield f"ldapwhoami -x {server} -D '{PERSON_DN}' -w '{password}'"
    yield from ("", "Everybody in a group:")
    yield f"ldapsearch {bind} -b ou=people,{BASE_DN} '(memberOf=cn=databases,ou=groups,{BASE_DN})' cn mail"
    yield from ("", "The same directory over HTTP: a token, then people:")
    yield f'TOKEN=$({token} | {access}); curl -s -H "Authorization: Bearer $TOKEN" "{application["base_url"]}/users?pageSize=3"'
    yield ""
    if shutil.which("ldapsearch") is None:
        yield "(ldapsearch and ldapwhoami are in the Debian package ldap-utils.)"
    yield f"Health and metrics: http://127.0.0.1:{ports['management']}/readyz and /metrics"
    yield "Ctrl-C stops it and removes everything."


def demonstrate(folder: Path) -> int:
    taken: set[int] = set()
    ports = {name: free_port(preferred, taken) for name, preferred in PREFERRED_PORTS.items()}
    file = folder / "gateway.toml"
    file.write_text(configuration(folder, ports))
    gateway(file, "sync")
    application = json.loads(gateway(file, "application", "add", APPLICATION, "--json"))
    password = secrets.token_hex(8)
    gateway(file, "user", "set-password", PERSON, typed=f"{password}\n")
    process = subprocess.Popen([*GATEWAY, "--config", str(file), "serve"], cwd=ROOT)
    # A Ctrl-C reaches the gateway as well: it stops by itself, and here is only waited for.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, lambda *_: process.terminate())
    try:
        wait_until_ready(process, ports["management"])
        print("\n".join(instructions(ports, application, password)), flush=True)
        return process.wait()
    finally:
        if process.poll() is None:
            process.terminate()
            process.wait()


def main() -> int:
    folder = Path(tempfile.mkdtemp(prefix="directory-gateway-demo-"))
    try:
        return demonstrate(folder)
    except KeyboardInterrupt:
        return 130
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        print("The demonstration has ended.", flush=True)


if __name__ == "__main__":
    for name in [name for name in os.environ if name.startswith("GATEWAY_")]:
        del os.environ[name]  # the demonstration is configured by its own file alone
    sys.exit(main())
