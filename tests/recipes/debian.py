"""A Debian 12 of a test's own, in which a real program runs with its recipe in the place where an administrator puts it.

The system that scripts/recipes_system made is only read: each Debian lays a layer in memory over it, in namespaces of its own,
so whatever a program writes, mounts or leaves running ends with it. It shares loopback with us.
"""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable
from functools import cache
from pathlib import Path

from tests.servers.processes import MissingProgramError, ServerFailedError, ServerProcess, demoted, program

MAKER = Path(__file__).parents[2] / "scripts" / "recipes_system"
ENVIRONMENT = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL": "C.UTF-8", "LDAPNOINIT": "1", "HOME": "/root"}
TIMEOUT_SECONDS = 30
LAYERED = """
set -e
mount -t tmpfs -o mode=755 recipes "$2"
cd "$2"
mkdir upper work system
mount -t overlay -o "lowerdir=$1,upperdir=upper,workdir=work" recipes system
mount -t proc proc system/proc
mount -t tmpfs -o mode=1777 recipes system/dev/shm
exec chroot system /bin/sh -c 'echo ready; exec sleep infinity'
"""


@cache
def system() -> Path:
    """Where the programs are; MissingProgramError says what to do when this user cannot use them."""
    if os.geteuid() != 0:
        raise MissingProgramError(
            "the tests of conf/clients/ run real daemons in a Debian system of their own (chroot, mount and process "
            "namespaces), which only root may do: run scripts/test as root, as CI does."
        )
    path = Path(subprocess.run([MAKER, "--path"], capture_output=True, text=True, check=True).stdout.strip())
    if not path.is_dir():
        raise MissingProgramError(f"the programs of the recipes are not installed ({path}): run scripts/environment --test.")
    return path


class Debian:
    """One running system. `folder`: an empty folder, which stays empty."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._daemons: list[ServerProcess] = []
        command = [*demoted(None), program("unshare", "util-linux"), "--mount", "--pid", "--fork", "--kill-child=KILL", "--"]
        self._process = subprocess.Popen(
            [*command, "/bin/sh", "-c", LAYERED, "layered", str(system()), str(folder)],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )
        assert self._process.stdout is not None
        if (said := self._process.stdout.readline()) != b"ready\n":
            raise ServerFailedError(f"no Debian system: {(said + self._process.stdout.read()).decode()}")
        inner = Path(f"/proc/{self._process.pid}/task/{self._process.pid}/children").read_text().strip()
        self.root = Path(f"/proc/{inner}/root")
        self._enter = [program("nsenter", "util-linux"), f"--target={inner}", "--mount", "--pid", "--root", "--wd", "--"]

    def end(self) -> None:
        """Everything that runs in it is killed, everything that was written is gone."""
        self._process.kill()
        self._process.wait()
        assert self._process.stdout is not None
        self._process.stdout.close()
        for daemon in self._daemons:
            daemon.kill()

    def write(self, path: str, text: str, mode: int = 0o644) -> None:
        """Write a file of the system; its folders are made."""
        file = self.root / path.lstrip("/")
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
        file.chmod(mode)

    def read(self, path: str) -> str:
        return (self.root / path.lstrip("/")).read_text(errors="replace")

    def run(self, *command: str, given: str = "") -> subprocess.CompletedProcess[str]:
        """Run a command to its end, as root; `given` is its standard input, standard error is in its output."""
        return subprocess.run(
            [*self._enter, *command],
            input=given,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            encoding="utf-8",
            errors="surrogateescape",
            env=ENVIRONMENT,
            timeout=TIMEOUT_SECONDS,
        )

    def output(self, *command: str, given: str = "") -> str:
        """What a command prints that must succeed."""
        done = self.run(*command, given=given)
        assert done.returncode == 0, done.stdout
        return done.stdout

    def daemon(self, *command: str, ready: Callable[[], bool]) -> ServerProcess:
        """Start a program that stays; returns when `ready()` is true. It ends with the system."""
        environ = [f"{name}={value}" for name, value in ENVIRONMENT.items()]
        started = ServerProcess(
            [*self._enter, "/usr/bin/env", "-i", *environ, *command],
            self._folder.with_suffix(f".{Path(command[0]).name}.log"),
            cwd=self._folder.parent,
        )
        self._daemons.append(started)
        started.start(ready)
        return started
