"""Limits on what one client may cost (law 13). Every number has a test that reaches it (tests/test_limits.py)."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class ServerLimits:
    """Seconds and counts; 0 means no limit for `size_limit` and `time_limit_seconds`."""

    max_message_bytes: int = 1024 * 1024
    max_unbound_message_bytes: int = 64 * 1024
    """The same before a bind; slapd takes 256 KiB. A bind has a few hundred octets, a search of the root DSE too."""
    connections: int = 4096
    connections_per_address: int = 1024
    operations_in_flight: int = 64
    """Per connection. Further requests are not read until one is answered: the client feels back-pressure, not an error."""
    size_limit: int = 0
    time_limit_seconds: float = 60
    bind_seconds: float = 30
    """Within this time a new connection must have sent a whole request, and a request or TLS handshake that was begun must be
    complete."""
    idle_seconds: float = 900
    write_stall_seconds: float = 60
    """A client that takes nothing of its answers for so long is dropped: its snapshot of the view must not live for ever."""


UNBOUND_BYTES = 32 * 1024 * 1024
"""Octets of unfinished requests that all clients without a bind may have in memory together: 512 of the longest."""

UNBOUND_BYTES_PER_ADDRESS = 8 * 1024 * 1024
"""The same of one address: four of them do not take the room of all others."""

OUTPUT_CHUNK_BYTES = 256 * 1024
"""Answers to pipelined requests are handed to the transport in pieces of about this size."""

SLICE_BYTES = 256 * 1024
"""About how much of a large search is made at a time, once the size of its entries is known."""

SCANS = 2
"""Slices that may look at many rows and are taken in threads at the same time; more threads would only take turns."""

SCANS_PER_PARTY = 1
"""The same of one application or person: it never has all the threads."""

SLICE_SECONDS = 0.005
"""Seconds of slices in one turn of the reactor, if there is more than one: so long the other connections wait."""

SLICES_PER_CONNECTION = 4
"""Slices of one connection's large searches that may be in memory; its other large searches wait for their turn."""

PAGED_SEARCHES_PER_CONNECTION = 4
"""Paged searches kept open; beginning another ends the oldest. Clients have one, or one per naming context."""

VIRTUAL_LISTS_PER_CONNECTION = 2
"""Sorted lists kept for the next window of a virtual list view; beginning another ends the oldest. A program shows one."""

PAGED_SEARCH_SECONDS = 300.0
"""A paged search, or a list, that is not continued for so long ends; its cookie is then refused."""

SUBSCRIPTIONS_PER_CONNECTION = 10
"""Searches of one connection that have no end of their own: replicas, persistent ones, notifications. Active Directory allows
5."""

SUBSCRIPTIONS = 1_000
"""The same in all: each looks at the view whenever that has changed. No application or person has more than are left for the
others: 500 for the first, 250 for the second, and so on."""

REFRESH_SECONDS = 4 * 3600.0
"""Time in which a replica must have read everything: slapd stores about 1,000 entries a second, and there may be a million."""

SWEEP_SECONDS = 5.0
"""Interval at which time limits of connections are checked: one timer for all of them, none per connection."""
