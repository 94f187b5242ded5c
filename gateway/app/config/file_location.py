"""The place of the configuration file. Apart from the loader, because `gateway --help` names the places and must not load
pydantic."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from gateway.model.errors import ConfigurationError

CONFIG_VARIABLE = "GATEWAY_CONFIG"
PLACES = (Path("/etc/directory-gateway/gateway.toml"), Path("gateway.toml"))


def find(explicit: str | None, environ: Mapping[str, str]) -> Path:
    """Return the configuration file: the one asked for, else $GATEWAY_CONFIG, else the first of PLACES that exists. Raises
    ConfigurationError when there is none of them."""
    asked = explicit or environ.get(CONFIG_VARIABLE)
    if asked:
        return Path(asked)
    for place in PLACES:
        if place.exists():
            return place
    looked = " nor ".join(str(place) for place in PLACES)
    raise ConfigurationError(f"no configuration file: neither {looked} is there; name one with --config or ${CONFIG_VARIABLE}")
