"""The tables of listeners."""

from __future__ import annotations

from pathlib import Path

import pytest

from gateway.model.errors import ConfigurationError
from tests.app.config_text import load


def test_a_token_that_a_person_makes_up_is_refused_and_not_repeated(tmp_path: Path) -> None:
    (tmp_path / "token").write_text("sesame\n")
    (tmp_path / "token").chmod(0o600)
    with pytest.raises(ConfigurationError) as raised:
        load(tmp_path, '[management]\ntoken_file = "token"\n')
    assert "openssl rand -hex 32" in str(raised.value)
    assert "sesame" not in str(raised.value)
