"""`scripts/demo` as a newcomer meets it: started, its printed commands pasted into a shell, ended with Ctrl-C."""

from __future__ import annotations

import os
import re
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
END = "Ctrl-C stops it and removes everything.\n"


@contextmanager
def demonstration(folder: Path) -> Iterator[str]:
    """Yield what the demonstration prints before it waits; then interrupt it as a terminal would, and expect exit code 0."""
    environ = {**os.environ, "TMPDIR": str(folder), "GATEWAY_LDAP__LISTEN": "not for the demonstration"}
    process = subprocess.Popen(
        [ROOT / "scripts" / "demo"],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env=environ,
        cwd=folder,
        start_new_session=True,
    )
    assert process.stdout is not None
    printed: list[str] = []
    try:
        for line in process.stdout:
            printed.append(line)
            if line == END:
                break
        assert printed[-1:] == [END], "".join(printed)
        yield "".join(printed)
        os.killpg(process.pid, signal.SIGINT)
        assert process.wait(30) == 0
        assert process.stdout.read() == "The demonstration has ended.\n"
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
        process.stdout.close()


def pasted(command: str) -> str:
    done = subprocess.run(["bash", "-c", command], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.timeout(180)
def test_the_printed_commands_work_and_nothing_is_left_behind(tmp_path: Path) -> None:
    with demonstration(tmp_path) as printed:
        person, log_in, group, people = re.findall(r"^(?:ldapsearch|ldapwhoami|TOKEN=).*$", printed, re.MULTILINE)
        answer = pasted(person)
        assert "\nmail: anna.muller@sample.example\n" in answer
        assert "\nmemberOf: cn=administrators,ou=groups,dc=directory,dc=example\n" in answer
        assert [pasted(log_in)] == [f"dn:{dn}\n" for dn in re.findall(r"^dn: (.*)$", answer, re.MULTILINE)]
        assert pasted(group).count("\nmail: ") > 2
        assert '"totalCount":200' in pasted(people)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", ["demo", "check", "test", "environment"])
def test_help_of_a_script_is_its_usage_and_starts_nothing(name: str) -> None:
    done = subprocess.run([ROOT / "scripts" / name, "--help"], capture_output=True, text=True, timeout=20)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith(f"usage: scripts/{name}")
    assert "set -" not in done.stdout and len(done.stdout.splitlines()) > 1


@pytest.mark.parametrize("name", ["demo", "environment"])
def test_an_unknown_option_of_a_script_is_refused_with_its_usage(name: str) -> None:
    done = subprocess.run([ROOT / "scripts" / name, "--prot=1"], capture_output=True, text=True, timeout=20)
    assert (done.returncode, done.stdout) == (2, "")
    assert f"usage: scripts/{name}" in done.stderr
