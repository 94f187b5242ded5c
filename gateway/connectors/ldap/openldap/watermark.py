"""The watermark of an OpenLDAP source: one cookie for each kind, each bound to the settings under which it was received."""

import base64
import binascii
import json
from collections.abc import Mapping

from gateway.connectors.ldap.openldap.settings import OpenLDAPSettings
from gateway.model.deltas import Watermark
from gateway.model.objects import Kind

_VERSION = 1


def encode(settings: OpenLDAPSettings, cookies: Mapping[Kind, bytes]) -> Watermark:
    """Return the watermark for these cookies; a kind without one is read in full next time."""
    kinds = {
        kind.kind: {"fingerprint": settings.fingerprint(kind), "cookie": base64.b64encode(cookies[kind.kind]).decode()}
        for kind in settings.ordered_kinds
        if kind.kind in cookies
    }
    return Watermark(json.dumps({"version": _VERSION, "kinds": kinds}).encode())


def decode(settings: OpenLDAPSettings, watermark: Watermark | None) -> dict[Kind, bytes]:
    """Return the cookies that are still valid: none of a watermark of another format, and none for a kind whose settings have
    changed, because its unchanged entries would otherwise never be read under the new settings."""
    try:
        stored = json.loads(watermark or b"{}")
        kinds = stored["kinds"] if stored["version"] == _VERSION else {}
        return {
            kind.kind: base64.b64decode(kinds[kind.kind]["cookie"], validate=True)
            for kind in settings.ordered_kinds
            if kind.kind in kinds and kinds[kind.kind]["fingerprint"] == settings.fingerprint(kind)
        }
    except (ValueError, KeyError, TypeError, binascii.Error):
        return {}
