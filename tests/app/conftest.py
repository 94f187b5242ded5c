"""An empty installation, with the password of every test slapd's reader beside its configuration."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.app.installation import Installation
from tests.servers.people import READER_PASSWORD


@pytest.fixture
def gateway(tmp_path: Path) -> Installation:
    password = tmp_path / "hr.password"
    password.touch(mode=0o600)
    password.write_text(f"{READER_PASSWORD}\n")
    installation = Installation(tmp_path, os.environ)
    installation.configure()
    return installation
