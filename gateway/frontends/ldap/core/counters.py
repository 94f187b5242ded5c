"""Counters of the LDAP server: plain numbers that cost nothing to raise; the metrics read them here."""

from collections import Counter
from dataclasses import dataclass, field


@dataclass(slots=True)
class ServerCounters:
    """Counts since the start. `operations`: by operation name and result code; `refused_connections`: by reason."""

    connections: int = 0
    """Open now."""
    connections_total: int = 0
    operations: Counter[tuple[str, int]] = field(default_factory=Counter)
    entries: int = 0
    """Search result entries sent."""
    fast_path_hits: int = 0
    """Searches that the fast path (server/fast_path.py) has answered."""
    fast_path_misses: int = 0
    """Requests of clients with a fast path that went the ordinary way."""
    fast_path_failures: int = 0
    """Requests that went the ordinary way because the fast path failed."""
    refused_connections: Counter[str] = field(default_factory=Counter)
    log_lines_dropped: int = 0
    """Log lines of a worker process that could not be written."""
