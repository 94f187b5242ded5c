"""Fixtures that the tests of connectors share beside the servers."""

from __future__ import annotations

import pytest

from tests.connectors.active_directory_unit import ScratchUnit, new_scratch_unit
from tests.servers.samba import Samba


@pytest.fixture
def scratch(domain_controller: Samba) -> ScratchUnit:
    """A unit of its own in the session's domain."""
    return new_scratch_unit(domain_controller)
