"""What the LDAP server counts: plain numbers that cost nothing to raise; whoever publishes them reads them here."""

from collections import Counter
from dataclasses import dataclass, field


@dataclass(slots=True)
class Statistics:
    """Since the start. `operations`: by operation name and result code; `refused_connections`: by reason."""

    connections: int = 0
    """Open now."""
    connections_total: int = 0
    operations: Counter[tuple[str, int]] = field(default_factory=Counter)
    entries: int = 0
    """Search result entries sent."""
    refused_connections: Counter[str] = field(default_factory=Counter)
