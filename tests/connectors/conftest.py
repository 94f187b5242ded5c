"""What the tests of connectors share beside the servers."""

from __future__ import annotations

import pytest

from tests.connectors.domains import Corner
from tests.connectors.domains import corner as new_corner
from tests.servers.samba import Samba


@pytest.fixture
def corner(domain_controller: Samba) -> Corner:
    """A unit of its own in the session's domain."""
    return new_corner(domain_controller)
