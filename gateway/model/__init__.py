"""Floor 0: what the gateway speaks about, as frozen plain values, and the Protocols by which sync and connectors meet.

Nothing here does I/O, waits, logs or knows a library."""
