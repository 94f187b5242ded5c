"""`[[source]]` of kind `csv`: the connector's settings, and the complaints."""

from __future__ import annotations

from pathlib import Path

import pytest

from gateway.app.connector_kinds.csv.table import CsvSourceTable
from tests.app.config_text import complaint, load

CSV = """\
[[source]]
name = "hr"
kind = "csv"
path = "export.csv"
id_column = "Nr"
"""


def test_five_lines_are_a_csv_source(folder: Path) -> None:
    source = load(folder, CSV).settings.source[0]
    assert isinstance(source, CsvSourceTable)
    settings = source.settings()
    assert (settings.path, settings.id_column, settings.delimiter) == (folder / "export.csv", "Nr", ",")
    assert [str(kind) for kind in settings.kinds] == ["user"]


def test_a_csv_source_takes_columns_lists_and_expressions(folder: Path) -> None:
    text = CSV + 'organization_column = "Unit"\n[source.users.mapping]\n'
    text += 'email = ["Mail", "Private mail"]\ntitle = ""\nusername = { expression = "lower({Log in})" }\n'
    source = load(folder, text).settings.source[0]
    assert isinstance(source, CsvSourceTable)
    users = source.settings().users
    assert (users.attributes["email"], "title" in users.attributes) == (("Mail", "Private mail"), False)
    assert users.expressions == {"username": "lower({Log in})"}
    assert users.attributes["given_name"] == ("given_name",)


@pytest.mark.parametrize(
    ("lines", "what"),
    [
        ('delimiter = ";;"', "delimiter is one character"),
        ('encoding = "klingon"', "encoding 'klingon' is not known"),
        ('[source.users.mapping]\nphoto = "Photo"', "mapping.photo: photo is not text"),
        ("[source.groups]\nbase = 'x'", "[source.groups] base: no such key"),
        ("[source.users.mapping]\nusername = { expression = 'lower(' }", "[source.users.mapping] username: column 7: the end"),
    ],
)
def test_a_complaint_about_a_csv_source_names_the_key(folder: Path, lines: str, what: str) -> None:
    assert what in complaint(folder, f"{CSV}{lines}\n")
