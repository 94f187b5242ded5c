"""Limits of an HTTP face against clients that are not authenticated yet (law 13), each with its reason.

Plain numbers only; a face that needs another value is given it when it is built."""

MAX_BODY_BYTES = 65_536
"""The longest request of the Developer API (a user with all its custom fields) is below 10 KiB; six times that is plenty."""

MAX_HEADER_BYTES = 16_384
"""Request line and headers together; what nginx and Twisted allow as well."""

MAX_HEADERS = 64
"""A browser behind two proxies sends some thirty."""

IDLE_SECONDS = 75
"""A connection may stay open so long between two requests: a little longer than the common 60 of clients' own pools,
so that it is the client that closes and no request is lost on a connection that is just being closed."""

ARRIVAL_SECONDS = 30
"""One request may take so long from its first byte to its last: 64 KiB at 2 KiB/s. Ends clients that send byte by byte."""

STALL_SECONDS = 60
"""A stream waits so long for a client that does not read before it is given up."""

LINGER_SECONDS = 2
"""After a refusal the rest of what the client is still sending is read and thrown away for so long: closing at once would
reset the connection, and the client would never see why."""

MAX_CONNECTIONS = 1_000
"""Open connections of one face: well below the usual 1,024 to 4,096 file descriptors of a service."""

MAX_CONNECTIONS_PER_ADDRESS = 200
"""Open connections of one address: a connection pool of a large application server, not a flood."""
