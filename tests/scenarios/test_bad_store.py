"""A store that cannot be used: a file that is no database, a disk that is full while the gateway follows its upstream."""

from __future__ import annotations

import contextlib
import itertools
import os
import resource
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.app.installation import source_of, until
from tests.conftest import StartSlapd
from tests.connectors.openldap_upstream import add_person
from tests.scenarios.office import PEOPLE, Observer, Office, of_upstream, readiness
from tests.servers.people import people, person_password
from tests.servers.pki import Pki
from tests.servers.slapd import Slapd

DISK_BYTES = 16 * 1024 * 1024

numbers = itertools.count()


class SmallDisk:
    """A file system of its own, so that no file on it can grow any more."""

    complaint = "the disk is full: make room; nothing that was stored is lost"

    def __init__(self, folder: Path) -> None:
        self._ballast = folder / "ballast"

    def fill(self, pid: int) -> None:
        del pid
        with self._ballast.open("wb", buffering=0) as ballast:
            block = bytes(4096)
            with contextlib.suppress(OSError):
                while ballast.write(block):
                    pass

    def empty(self, pid: int) -> None:
        del pid
        self._ballast.unlink()


class SmallFiles:
    """The same for one process: no file of it may grow beyond what the largest is now (setrlimit(2), RLIMIT_FSIZE)."""

    complaint = "the disk reports an error: check its free space"

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def fill(self, pid: int) -> None:
        sizes = [file.stat().st_size for file in self._folder.rglob("*") if file.is_file()]
        _, self._hard = resource.prlimit(pid, resource.RLIMIT_FSIZE)
        resource.prlimit(pid, resource.RLIMIT_FSIZE, (max(sizes) // 4096 * 4096, self._hard))

    def empty(self, pid: int) -> None:
        resource.prlimit(pid, resource.RLIMIT_FSIZE, (self._hard, self._hard))


def mounted(folder: Path) -> bool:
    """Whether a small file system could be mounted there; only root may, and not in every container."""
    command = ["mount", "-t", "tmpfs", "-o", f"size={DISK_BYTES}", "tmpfs", str(folder)]
    return os.geteuid() == 0 and subprocess.run(command, capture_output=True).returncode == 0


@pytest.fixture
def disk(office: Office) -> Iterator[SmallDisk | SmallFiles]:
    """The disk under the data folder."""
    folder = office.folder / "data"
    folder.mkdir(mode=0o700)
    if not mounted(folder):
        yield SmallFiles(folder)
        return
    try:
        yield SmallDisk(folder)
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)


def warnings(observer: Observer, *words: str) -> list[str]:
    said = observer.serving.log_text().splitlines()
    return [line for line in said if "[info" not in line and all(word in line for word in words)]


def test_a_full_disk_stops_nothing_but_the_news_and_loses_nothing(
    office: Office, start_slapd: StartSlapd, pki: Pki, disk: SmallDisk | SmallFiles
) -> None:
    upstream = start_slapd(ldif=people(10, organizations=1))
    office.configure(source_of(upstream, pki, "hr", "schedule_seconds = 3600"))
    with office.observed(office.application()) as observer:
        observer.must_see(upstream)
        before, pid = set(observer.ids()), observer.serving.process.pid
        disk.fill(pid)
        try:
            until(lambda: add_a_person(upstream) and warnings(observer, disk.complaint), "the full disk is complained of")
            shown = set(observer.ids())
            assert before <= shown < set(of_upstream(upstream).people)
            assert observer.serving.bind(f"uid=user000001,{PEOPLE}", person_password(1)) == "success"
            assert observer.serving.process.poll() is None
            status = office("status")
            assert (status.code, "source hr" in status.out) == (5, True), "it tells of the past, and that nothing is stored"
            assert "nothing is stored now" in status.err
            assert not office("status", "--json").json["takes_writes"]
            ready = readiness(observer.serving.addresses["management"])
            assert ready["status"] == "not ready"
            assert disk.complaint in ready["store writes"]
        finally:
            disk.empty(pid)
        observer.must_see(upstream)
        [line] = warnings(observer, disk.complaint)
        assert "source hr: the store " in line
        assert office("status").code == 0
        until(lambda: readiness(observer.serving.addresses["management"])["status"] == "ready", "ready again")
        assert "Traceback" not in observer.serving.log_text()
        assert observer.serving.stop() == 0


@pytest.mark.parametrize("content", [b"this is not a database, and long enough to be sure of it" * 50, b"short"])
def test_a_store_that_is_no_database_ends_the_start_with_one_line_and_is_left_alone(office: Office, content: bytes) -> None:
    store = office.folder / "data" / "store.sqlite"
    store.parent.mkdir(mode=0o700)
    store.write_bytes(content)
    with office.serve() as serving:
        assert serving.process.wait(30) == 5
        [line] = serving.log_text().splitlines()
    assert line.startswith(f"gateway: the store {store}: the file is not a database: ")
    assert store.read_bytes() == content
    for command in (("status",), ("sync",), ("application", "list")):
        done = office(*command)
        assert (done.code, done.err.splitlines()) == (5, [line])


def add_a_person(upstream: Slapd) -> bool:
    """With enough text to fill what the write-ahead log still has of room."""
    add_person(upstream, f"late{next(numbers)}", description="x" * 2000)
    return True
