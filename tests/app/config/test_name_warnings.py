"""Names that are legal and look like a slip of the pen."""

from __future__ import annotations

from pathlib import Path

import pytest

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


@pytest.mark.parametrize(
    ("filter_text", "warning"),
    [
        ("(objectClas=inetOrgPerson)", '"objectClas" is no attribute type that is known; did you mean "objectClass"?'),
        ("(&(maill=*)(uid=a))", '"maill" is no attribute type that is known; did you mean "mail"?'),
        ("(!(objectClass=posixAcount))", '"posixAcount" is no object class that is known; did you mean "posixAccount"?'),
        ("(|(sAMAcountName>=a)(cn~=b))", '"sAMAcountName" is no attribute type that is known; did you mean "sAMAccountName"?'),
        ("(employeStatus:caseExactMatch:=x)", None),  # a schema of the upstream's own
        ("(&(isMemberOf=cn=x)(OBJECTCLASS=PERSON)(mail;binary=*)(2.5.4.3=x)(cn:dn:=x))", None),
    ],
)
def test_a_filter_with_a_name_that_looks_like_a_slip_is_warned_about(
    folder: Path, filter_text: str, warning: str | None
) -> None:
    loaded = load(folder, TEN_LINES + f"filter = '{filter_text}'\n")
    found = [text for text in loaded.warnings if "filter" in text]
    assert found == ([] if warning is None else [f"source hr: groups: filter {filter_text}: {warning}"])
