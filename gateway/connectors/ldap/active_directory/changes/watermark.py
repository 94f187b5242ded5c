"""The watermark of an Active Directory source: the position in one controller's database, bound to the settings under which it
was read."""

import base64
import binascii
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from gateway.connectors.ldap.active_directory.changes.tracker import TrackerState
from gateway.connectors.ldap.active_directory.settings import ActiveDirectorySettings
from gateway.model.deltas import Watermark

_VERSION: Final = 1
_DIRSYNC: Final = "dirsync"
_UNREADABLE = (ValueError, KeyError, TypeError, AttributeError, binascii.Error)


@dataclass(frozen=True, slots=True)
class ControllerWatermark:
    """The position in the database of one controller.

    `url`: the controller's. `invocation_id`: of its database. `mode`: the `name` of the change tracker, `state` the tracker's
    part. `expiry_checked`: see AccountExpiry.checked. `last_usn`: the controller's highest uSNChanged at the time of reading.
    """

    url: str
    invocation_id: str
    mode: str
    state: TrackerState
    expiry_checked: int
    last_usn: int = 0


def encode(settings: ActiveDirectorySettings, watermark: ControllerWatermark) -> Watermark:
    """Return the stored form."""
    stored = {
        "version": _VERSION,
        "kinds": _fingerprints(settings),
        "url": watermark.url,
        "invocation": watermark.invocation_id,
        "mode": watermark.mode,
        "told": _encode_state(watermark),
        "checked": watermark.expiry_checked,
        "heard": watermark.last_usn,
    }
    return Watermark(json.dumps(stored).encode())


def decode(settings: ActiveDirectorySettings, watermark: Watermark | None) -> ControllerWatermark | None:
    """Return the watermark if it is still valid: None for one of another format, and for one read under other settings."""
    try:
        stored = json.loads(watermark or b"{}")
        if stored["version"] != _VERSION or stored["kinds"] != _fingerprints(settings):
            return None
        mode = str(stored["mode"])
        state = _decode_state(mode, stored["told"])
        numbers = int(stored["checked"]), int(stored["heard"])
        decoded = ControllerWatermark(str(stored["url"]), str(stored["invocation"]), mode, state, *numbers)
        return decoded if state.cookies or state.usn else None
    except _UNREADABLE:
        return None


def _encode_state(watermark: ControllerWatermark) -> dict[str, object]:
    if watermark.mode != _DIRSYNC:
        return {"usn": watermark.state.usn}
    cookies = watermark.state.cookies.items()
    return {"cookies": {context: base64.b64encode(cookie).decode() for context, cookie in cookies}}


def _decode_state(mode: str, stored: Mapping[str, object]) -> TrackerState:
    if mode != _DIRSYNC:
        return TrackerState(usn=int(str(stored["usn"])))
    cookies = stored["cookies"]
    if not isinstance(cookies, dict):
        raise ValueError("no cookies")
    return TrackerState({context: base64.b64decode(cookie, validate=True) for context, cookie in cookies.items()})


def _fingerprints(settings: ActiveDirectorySettings) -> dict[str, str]:
    return {kind.kind.value: settings.fingerprint(kind) for kind in settings.ordered_kinds}
