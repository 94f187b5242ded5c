"""A CSV export through the door: people, the tree of organizations, groups; what a broken row leaves as it was."""

from pathlib import Path

import pytest

from gateway.connectors.csv.settings import CsvSettings, user_mapping
from gateway.connectors.csv.source import CsvSource
from gateway.model.records import Record, Situation
from gateway.store.records import records
from tests.sync.synced_store import Store

HEADER = "Nr,username,Name,Unit,Groups\n"
ADA = "7,ada,Ada,Sales/Europe,staff;owners\n"
BOB = "8,bob,Bob,Sales/Asia,staff\n"
CAROL = "9,carol,Carol,Legal,\n"


class Export:
    """The file of a source, and what the directory makes of it."""

    def __init__(self, store: Store, path: Path) -> None:
        self.store = store
        self.path = path
        users = user_mapping({"display_name": "Name"})
        self.source = CsvSource(
            CsvSettings(
                id="hr",
                path=path,
                id_column="Nr",
                users=users,
                organization_column="Unit",
                groups_column="Groups",
                stable_seconds=0.001,
            )
        )

    def says(self, text: str, *, allow_deletions: bool = False) -> list[str]:
        """Read the file with this content, and give the problems that the door names."""
        self.path.write_text(text)
        problems: list[str] = []
        mark = self.store.database.read_blocking(self.store.door().watermark)
        for batch in self.source.read(mark, follow=False):
            problems += self.store.apply(
                *batch.deltas,
                begins=batch.begins,
                completes=batch.completes,
                watermark=batch.watermark,
                caught_up=batch.caught_up,
                allow_deletions=allow_deletions,
            ).problems
        return problems


@pytest.fixture
def export(both_stores: Store, tmp_path: Path) -> Export:
    found = Export(both_stores, tmp_path / "export.csv")
    assert found.says(HEADER + ADA + BOB + CAROL) == []
    return found


def test_an_export_becomes_a_directory(export: Export) -> None:
    directory = export.store.directory()
    assert directory.users == {"ada": ("/Sales/Europe/",), "bob": ("/Sales/Asia/",), "carol": ("/Legal/",)}
    assert directory.organizations == {"/", "/Sales/", "/Sales/Europe/", "/Sales/Asia/", "/Legal/"}
    assert directory.members == {"staff": {"ada", "bob"}, "owners": {"ada"}}
    assert directory.attributes["ada"] == {"display_name": ("Ada",)}


def test_a_mover_a_leaver_and_an_organization_that_is_gone(export: Export) -> None:
    ada = export.store.user("ada").id
    export.says(HEADER + ADA.replace("Sales/Europe", "Legal/Contracts").replace(";owners", "") + CAROL)
    directory = export.store.directory()
    assert directory.users["ada"] == ("/Legal/Contracts/",)
    assert directory.organizations == {"/", "/Legal/", "/Legal/Contracts/"}
    assert directory.members == {"staff": {"ada"}}
    assert export.store.user("ada").id == ada
    assert export.store.replayed() == directory


def test_the_user_of_a_broken_row_stays_as_it_was(export: Export) -> None:
    before = export.store.directory()
    problems = export.says(HEADER + ADA + "8,bob,Bo\0b,,\n" + CAROL)
    after = export.store.directory()
    assert after == before
    assert [problem for problem in problems if f"{export.path}, line 3: a NUL character" in problem]
    (record,) = _problems(export)
    assert (record.external_id, record.situation, "line 3" in record.reason) == ("8", Situation.UNMATCHED, True)
    export.says(HEADER + ADA + BOB.replace("Bob", "Robert") + CAROL)
    assert export.store.directory().attributes["bob"] == {"display_name": ("Robert",)}
    assert _problems(export) == []


def test_a_row_without_an_id_deletes_no_user_and_is_shown_until_it_is_right(export: Export) -> None:
    problems = export.says(HEADER + ADA + ",bob,Bob,,\n")
    assert export.store.names() == {"ada", "bob", "carol"}
    assert [problem for problem in problems if f"{export.path}, line 3: no Nr" in problem]
    assert [record.external_id for record in _problems(export)] == ["export.csv, line 3"]
    export.says(HEADER + ADA + BOB)
    assert export.store.names() == {"ada", "bob"}
    assert [(record.external_id, record.situation) for record in _problems(export)] == [("9", Situation.DELETED)]


def test_an_export_that_lost_its_rows_is_stopped_by_the_guard(export: Export) -> None:
    everybody = HEADER + ADA + BOB + "".join(f"{number},u{number},N,Legal,\n" for number in range(100, 200))
    export.says(everybody)
    export.says(HEADER + ADA)
    assert len(export.store.names()) == 102
    export.says(HEADER + ADA, allow_deletions=True)
    assert export.store.names() == {"ada"}


def _problems(export: Export) -> list[Record]:
    return [record for _, record in export.store.database.read_blocking(lambda c: records.problems(c, "hr"))]
