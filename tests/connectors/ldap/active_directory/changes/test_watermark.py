"""The watermark of an Active Directory source."""

from __future__ import annotations

import json

import pytest

from gateway.connectors.ldap.active_directory.changes.tracker import TrackerState
from gateway.connectors.ldap.active_directory.changes.watermark import ControllerWatermark, decode, encode
from gateway.connectors.ldap.active_directory.settings import (
    ActiveDirectoryMode,
    ActiveDirectorySettings,
    active_directory_kind_settings,
)
from gateway.connectors.ldap.client.settings import Upstream
from gateway.model.deltas import Watermark
from gateway.model.objects import Kind

SETTINGS = ActiveDirectorySettings(
    id="corp",
    upstream=Upstream(urls=("ldap://dc1",), bind_dn="reader@corp.example", password="secret"),
    kinds=(active_directory_kind_settings(Kind.USER, ("DC=corp,DC=example",)),),
)
HELD = ControllerWatermark("ldap://dc1", "0c1e", "dirsync", TrackerState({"DC=corp,DC=example": b"MSDS"}), 7, 8)


def test_a_watermark_is_valid_only_under_the_settings_that_it_was_read_under() -> None:
    mark = encode(SETTINGS, HELD)
    assert decode(SETTINGS, mark) == HELD
    wider = ActiveDirectorySettings(
        id="corp", upstream=SETTINGS.upstream, kinds=(active_directory_kind_settings(Kind.USER, ("DC=example",)),)
    )
    excluding = active_directory_kind_settings(Kind.USER, ("DC=corp,DC=example",), exclude=("OU=x,DC=corp,DC=example",))
    for other in (wider, ActiveDirectorySettings(id="corp", upstream=SETTINGS.upstream, kinds=(excluding,))):
        assert decode(other, mark) is None
    assert decode(
        ActiveDirectorySettings(id="corp", upstream=SETTINGS.upstream, kinds=SETTINGS.kinds, mode=ActiveDirectoryMode.USN), mark
    )


@pytest.mark.parametrize("mark", [None, b"", b"{}", b"nonsense", b'{"version": 1}', b"[]", b'{"version": 1, "kinds": 7}'])
def test_a_watermark_of_another_format_is_ignored(mark: bytes | None) -> None:
    assert decode(SETTINGS, None if mark is None else Watermark(mark)) is None


def test_the_stored_form_does_not_change() -> None:
    stored = json.loads(encode(SETTINGS, HELD))
    assert {name: value for name, value in stored.items() if name != "kinds"} == {
        "version": 1,
        "url": "ldap://dc1",
        "invocation": "0c1e",
        "mode": "dirsync",
        "told": {"cookies": {"DC=corp,DC=example": "TVNEUw=="}},
        "checked": 7,
        "heard": 8,
    }
    by_usn = ControllerWatermark("ldap://dc1", "0c1e", "usn", TrackerState(usn=9), 7, 8)
    assert json.loads(encode(SETTINGS, by_usn))["told"] == {"usn": 9}
    assert decode(SETTINGS, encode(SETTINGS, by_usn)) == by_usn
