"""The data folder and its lock."""

from __future__ import annotations

import multiprocessing
import os
import stat
from multiprocessing.synchronize import Event
from pathlib import Path

import pytest

from gateway.app.process import data_directory
from gateway.app.process.data_directory import DataDirLock
from gateway.model.errors import ConfigurationError, StoreUnavailable


def test_the_data_folder_is_made_for_its_owner_alone(tmp_path: Path) -> None:
    data_directory.prepare(tmp_path / "a" / "b")
    assert stat.S_IMODE((tmp_path / "a" / "b").stat().st_mode) == 0o700
    data_directory.prepare(tmp_path / "a" / "b")


def test_a_data_folder_that_cannot_be_is_a_complaint_with_its_cure(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    for impossible in (tmp_path / "file", tmp_path / "file" / "below"):
        with pytest.raises(ConfigurationError, match=r"\[gateway\] data_dir .*file.*name another one"):
            data_directory.prepare(impossible)


def hold(folder: Path, held: Event, done: Event) -> None:
    with DataDirLock(folder):
        held.set()
        done.wait(20)


def test_a_second_holder_of_the_data_folder_is_refused_with_the_process_id_of_the_first(tmp_path: Path) -> None:
    context = multiprocessing.get_context("fork")
    held, done = context.Event(), context.Event()
    other = context.Process(target=hold, args=(tmp_path, held, done))
    other.start()
    assert held.wait(20)
    with pytest.raises(StoreUnavailable, match=rf"another `gateway serve` \(process {other.pid}\)"), DataDirLock(tmp_path):
        pass
    done.set()
    other.join()
    with DataDirLock(tmp_path):
        assert data_directory.holder(tmp_path) == data_directory.Holder(str(os.getpid()), "")
    assert data_directory.holder(tmp_path) is None


def test_the_holder_of_the_data_folder_shows_by_which_rules_it_reads(tmp_path: Path) -> None:
    assert data_directory.holder(tmp_path) is None
    with DataDirLock(tmp_path, "digest"):
        assert data_directory.holder(tmp_path) == data_directory.Holder(str(os.getpid()), "digest")
    assert data_directory.holder(tmp_path) is None


def test_the_data_folder_can_be_held_on_a_full_disk(tmp_path: Path) -> None:
    (tmp_path / data_directory.LOCK_FILE).symlink_to("/dev/full")  # every write to it fails with ENOSPC, full(4)
    with DataDirLock(tmp_path):
        pass


def test_a_lock_that_cannot_be_opened_is_a_complaint_with_the_cure(tmp_path: Path) -> None:
    (tmp_path / data_directory.LOCK_FILE).mkdir()
    with pytest.raises(StoreUnavailable, match=r"serve\.lock cannot be opened \(Is a directory\)"), DataDirLock(tmp_path):
        pass
