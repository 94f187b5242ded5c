"""The settings of pass-through authentication at one upstream."""

from dataclasses import dataclass

from gateway.connectors.ldap.client.settings import Upstream


@dataclass(frozen=True, slots=True, kw_only=True)
class PassThroughSettings:
    """The settings of one pool. `id`: the source's name. `connections`: the binds in flight at once. `waiting`: the most that
    wait for one of them. `bind_seconds`: the longest time of a bind, the wait for a connection included. `idle_seconds`: an
    unused connection is closed after this time. `decoy_base`: the DN below which the decoy's name lies.
    """

    id: str
    upstream: Upstream
    connections: int = 8
    waiting: int = 256
    bind_seconds: float = 5.0
    idle_seconds: float = 60.0
    decoy_base: str = ""
