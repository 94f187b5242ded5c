"""How far a domain has been read: the position in one controller's database, bound to the settings it was read under."""

import base64
import binascii
import json
from dataclasses import dataclass, field
from typing import Any

from gateway.connectors.ldap.active_directory.settings import ActiveDirectorySettings
from gateway.model.deltas import Watermark

_VERSION = 1


@dataclass(frozen=True, slots=True)
class Position:
    """`url`: where the controller was reached. `invocation`: of its database. `told`: the tracker's own part (its `name` is
    `mode`). `checked`: see Expiring."""

    url: str
    invocation: str
    mode: str
    told: dict[str, Any] = field(repr=False)
    checked: int
    heard: int = 0
    """The number of a change of this controller after which there is none that was read from it."""

    @property
    def cookies(self) -> dict[str, bytes]:
        """DirSync's, by naming context. Raises ValueError or another of UNREADABLE."""
        return {context: base64.b64decode(cookie, validate=True) for context, cookie in self.told["cookies"].items()}

    @property
    def usn(self) -> int:
        return int(self.told["usn"])


UNREADABLE = (ValueError, KeyError, TypeError, AttributeError, binascii.Error)


def encode(settings: ActiveDirectorySettings, position: Position) -> Watermark:
    """The watermark for this position."""
    stored = {
        "version": _VERSION,
        "kinds": _fingerprints(settings),
        "url": position.url,
        "invocation": position.invocation,
        "mode": position.mode,
        "told": position.told,
        "checked": position.checked,
        "heard": position.heard,
    }
    return Watermark(json.dumps(stored).encode())


def decode(settings: ActiveDirectorySettings, watermark: Watermark | None) -> Position | None:
    """The position, if it still holds: not that of a watermark that is not ours, nor one for other settings."""
    try:
        stored = json.loads(watermark or b"{}")
        if stored["version"] != _VERSION or stored["kinds"] != _fingerprints(settings):
            return None
        numbers = int(stored["checked"]), int(stored["heard"])
        position = Position(str(stored["url"]), str(stored["invocation"]), str(stored["mode"]), dict(stored["told"]), *numbers)
        return position if (position.cookies if position.mode == "dirsync" else position.usn) else None
    except UNREADABLE:
        return None


def _fingerprints(settings: ActiveDirectorySettings) -> dict[str, str]:
    return {kind.kind.value: settings.fingerprint(kind) for kind in settings.ordered_kinds}
