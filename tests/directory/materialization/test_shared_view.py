"""A view that another process writes: read as that process reports it, and never while there is no complete file of that
build."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from structlog.testing import capture_logs
from twisted.internet.task import Clock

from gateway.directory.directory import Directory, ViewNotReady
from gateway.directory.materialization.log_applier import LogApplier
from gateway.directory.materialization.shared_view import RETRY_SECONDS, SharedView
from gateway.directory.view_file import view_file
from gateway.model.errors import StoreUnavailable
from tests.directory.worlds import World, openldap_view, user

ANNA, BEN = user(1, "anna"), user(2, "ben")


class Shared:
    """A writer and, as another process has it, a reader of its file."""

    def __init__(self, folder: Path) -> None:
        self.world = World(folder)
        self.world.put(ANNA)
        self.writer: LogApplier = self.world.build(openldap_view(), "view")
        self.clock = Clock()
        self.view = SharedView(openldap_view(), folder / "view", self.clock)
        self.told: list[int] = []
        self.view.on_change.append(lambda: self.told.append(self.view.position))

    @property
    def build(self) -> str:
        return str(view_file.read_meta(self.writer.connection, "build"))

    def tell(self) -> None:
        """Report the file as it is, as the writer does."""
        self.view.report(self.build, self.writer.position)

    def has(self, object_id: str) -> bool:
        reader = self.view.reader
        assert reader is not None
        return reader.row_of(object_id) is not None


@pytest.fixture
def shared(tmp_path: Path) -> Iterator[Shared]:
    made = Shared(tmp_path)
    yield made
    made.view.close()
    made.writer.close()
    made.world.close()


def test_nothing_is_read_before_the_writer_reports_a_build(shared: Shared) -> None:
    with pytest.raises(ViewNotReady):
        Directory([shared.view]).reader("main")
    shared.tell()
    assert Directory([shared.view]).reader("main") is shared.view.reader
    assert shared.has(ANNA.id) and shared.told == [shared.writer.position]


def test_a_change_is_read_and_notified_at_its_position(shared: Shared) -> None:
    shared.tell()
    reader = shared.view.reader
    shared.world.put(BEN)
    shared.writer.apply(shared.world.log(shared.writer.position))
    shared.tell()
    assert shared.has(BEN.id) and shared.view.reader is reader
    assert shared.view.position == shared.writer.position == shared.told[-1] > shared.told[0]


def test_when_the_writer_builds_anew_nothing_is_read_until_it_is_done(shared: Shared) -> None:
    shared.tell()
    old = shared.view.reader
    shared.view.report("", 0)
    assert shared.view.reader is None
    shared.world.put(BEN)
    shared.writer.build()
    shared.tell()
    assert shared.view.reader is not old and shared.has(BEN.id)


def test_a_snapshot_is_never_of_a_later_file_however_late_the_writers_word_comes(shared: Shared) -> None:
    shared.tell()
    reader = shared.view.reader
    assert reader is not None
    before = reader.snapshots.take()
    shared.writer.build(lambda: False)  # it begins anew, and does not get far
    with pytest.raises(StoreUnavailable, match="being built"):
        reader.snapshots.take()
    shared.writer.build()
    with pytest.raises(StoreUnavailable, match="being built"):
        reader.snapshots.take()
    assert before.execute("SELECT count(*) FROM entry WHERE object_id = ?", (ANNA.id,)).fetchone() == (1,)
    reader.snapshots.release(before)


def test_a_file_that_cannot_be_read_yet_is_tried_again(shared: Shared) -> None:
    shared.view._file.path.rename(shared.view._file.path.with_suffix(".away"))
    with capture_logs() as lines:
        shared.tell()
    assert [line["event"] for line in lines] == ["view cannot be read"]
    assert shared.view.reader is None
    shared.view._file.path.with_suffix(".away").rename(shared.view._file.path)
    shared.clock.advance(RETRY_SECONDS)
    assert shared.has(ANNA.id)
    shared.view.close()
    assert shared.view.reader is None and not shared.clock.getDelayedCalls()
