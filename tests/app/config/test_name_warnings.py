"""Names that are legal and look like a slip of the pen."""

from __future__ import annotations

from pathlib import Path

from gateway.app.config import loader
from tests.app.config_text import TEN_LINES, load

LDIF = """\
[[source]]
name = "hr"
kind = "ldif"
path = "people.ldif"
"""


def test_a_mapping_to_a_name_that_looks_like_a_slip_is_warned_about(folder: Path) -> None:
    loaded = load(folder, TEN_LINES + "[source.users.mapping]\ndisplay_nam = 'cn'\nbadge = 'x'\n")
    assert loaded.warnings == ('source hr: "display_nam" becomes a custom field; did you mean "display_name"?',)


def test_a_correlation_rule_with_a_name_that_looks_like_a_slip_is_warned_about(tmp_path: Path) -> None:
    file = tmp_path / "gateway.toml"
    file.write_text(LDIF + '[source.users]\ncorrelation = ["employe_number = lower(emial)", "badge = badge"]\n')
    warnings = loader.load(file, {}).warnings
    assert [warning.partition("no source has ")[2] for warning in warnings] == [
        '"employe_number"; did you mean "employee_number"?',
        '"emial"; did you mean "email"?',
    ]


def test_a_rule_of_a_view_that_looks_like_a_slip_is_warned_about(tmp_path: Path) -> None:
    file = tmp_path / "gateway.toml"
    rules = 'carLicense = "display_nam"\nsAMAccountName = "username"\ndescription = "shoe_size"\nroomNumber = "dn"'
    file.write_text(f'[[view]]\nname = "o"\n[view.users.attributes]\n{rules}\n')
    assert loader.load(file, {}).warnings == (
        'view o: carLicense: "display_nam" is a custom field; did you mean "display_name"?',
        "view o: sAMAccountName is allowed by none of top, person, organizationalPerson, inetOrgPerson; add an object class",
    )
