"""Attributes that Active Directory constructs when they are asked for by name ([MS-ADTS] §3.1.1.4.5), for views of kind `ad`.

A name is no proof of a right: what is worked out here of a group is worked out of those that the party may know of."""

from collections.abc import Mapping

from gateway.directory.search.visible_rows import Computed, Row, VisibleRows
from gateway.directory.view_file.entry_lookup import primary_group
from gateway.model.ldap import windows_identifiers
from gateway.model.ldap.dn import DN
from gateway.model.objects import Kind
from gateway.wire import entries

BASE_ONLY = frozenset({"tokengroups"})
"""The attributes (keys) that only a search of the one entry gives: Active Directory refuses them elsewhere."""


def _usn_created(rows: VisibleRows, row: Row) -> list[bytes]:
    return [b"%d" % rows.numbers(row)[0]]


def _usn_changed(rows: VisibleRows, row: Row) -> list[bytes]:
    return [b"%d" % rows.numbers(row)[1]]


def _canonical_name(_rows: VisibleRows, row: Row) -> list[bytes]:
    """Return the name as a path (§3.1.1.4.5.3): the domain, then the entries from above, with slashes in values escaped."""
    avas = [rdn.avas[0] for rdn in DN.parse(row[6]).rdns]
    path = [ava.value.replace("/", "\\/") for ava in reversed(avas) if ava.type.lower() != "dc"]
    return ["/".join([".".join(ava.value for ava in avas if ava.type.lower() == "dc"), *(path or [""])]).encode()]


def _primary_group_token(_rows: VisibleRows, row: Row) -> list[bytes]:
    """Return the number by which people name the group as their primary one (§3.1.1.4.5.11)."""
    sids = entries.values(row[4], b"objectsid") if row[1] == Kind.GROUP else []
    return [b"%d" % number for number in map(windows_identifiers.relative_id, sids) if number is not None]


def _token_groups(rows: VisibleRows, row: Row) -> list[bytes]:
    """Return the security identifiers of the security groups that a person is in, directly or through groups, and of the
    primary one (§3.1.1.4.5.19)."""
    if row[1] != Kind.USER:
        return []
    above = filter(_is_security_group, rows.groups_above(row))
    found = [sid for group in above for sid in entries.values(group, b"objectsid")]
    primary = primary_group(row[4])
    return list(dict.fromkeys([*found, *([] if primary is None else [primary])]))


def _is_security_group(group: bytes) -> bool:
    """Return whether a group counts for access: one for mail alone (a "distribution group") does not ([MS-ADTS] §2.2.12)."""
    return all(int(value) & _SECURITY_ENABLED for value in entries.values(group, b"grouptype"))


_SECURITY_ENABLED = 0x80000000


CONSTRUCTED: Mapping[str, Computed] = {
    "canonicalname": (b"canonicalName", _canonical_name),
    "primarygrouptoken": (b"primaryGroupToken", _primary_group_token),
    "tokengroups": (b"tokenGroups", _token_groups),
    "usnchanged": (b"uSNChanged", _usn_changed),
    "usncreated": (b"uSNCreated", _usn_created),
}
"""Attribute key → name, and the function for the values; the keys are active_directory.CONSTRUCTED."""
