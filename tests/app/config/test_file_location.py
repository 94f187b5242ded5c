"""The configuration file: the one named, the variable's, the usual places."""

from __future__ import annotations

from pathlib import Path

import pytest

from gateway.app.config import file_location
from gateway.model.errors import ConfigurationError


def test_the_configuration_file_is_the_one_named_then_the_variable_then_the_usual_places(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert file_location.find("a.toml", {"GATEWAY_CONFIG": "b.toml"}) == Path("a.toml")
    assert file_location.find(None, {"GATEWAY_CONFIG": "b.toml"}) == Path("b.toml")
    monkeypatch.setattr(file_location, "PLACES", (folder / "none.toml", folder / "hr.password"))
    assert file_location.find(None, {}) == folder / "hr.password"
    monkeypatch.setattr(file_location, "PLACES", (folder / "none.toml",))
    with pytest.raises(ConfigurationError, match=r"none.toml is there; name one with --config or \$GATEWAY_CONFIG"):
        file_location.find(None, {})
