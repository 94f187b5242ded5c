"""The files of a file source in words."""

from pathlib import Path

from gateway.connectors.watched_files import Files, extent


def test_the_extent_of_one_file_and_of_several_is_a_sentence_part(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("x" * 1_461)
    assert extent(Files("s", tmp_path, ".csv").stamps()) == "1,461 bytes"
    (tmp_path / "b.csv").write_text("x")
    assert extent(Files("s", tmp_path, ".csv").stamps()) == "2 files, 1,462 bytes in all"
