"""The name of the lease for reading a source. Apart from the lease, so that `gateway status` asks for its holder without
Twisted's timers."""


def name_for(source_id: str) -> str:
    """Return the name of the lease for reading a source."""
    return f"source:{source_id}"
