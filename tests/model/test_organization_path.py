"""Paths of organizations: every name can be written, and what is shown can be said back."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.model import organization_path

NAMES = st.text(st.sampled_from("aR/\\ D"), min_size=1).map(str.strip).filter(bool)


@pytest.mark.parametrize(
    ("path", "names"),
    [
        ("Sales/Europe", ("Sales", "Europe")),
        ("/ Sales //Europe/", ("Sales", "Europe")),
        ("/", ()),
        ("", ()),
        (r"R\/D", ("R/D",)),
        (r"a\/b/c", ("a/b", "c")),
        (r"a\\/b", ("a\\", "b")),
        (r"C:\x", (r"C:\x",)),
        ("end\\", ("end\\",)),
    ],
)
def test_a_backslash_makes_a_slash_part_of_the_name(path: str, names: tuple[str, ...]) -> None:
    assert organization_path.parse(path) == names


@given(st.lists(NAMES, max_size=4))
def test_law_16_every_path_that_is_shown_can_be_said_back(names: list[str]) -> None:
    assert organization_path.parse(organization_path.format(names)) == tuple(names)


@given(st.text())
def test_any_text_is_a_path(text: str) -> None:
    names = organization_path.parse(text, ">")
    assert all(name == name.strip() != "" for name in names)
