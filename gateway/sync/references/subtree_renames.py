"""An entry above others was renamed or moved: its source reports that entry alone, and everything below has a new DN (RFC 4511
§4.9; syncrepl does not send the entries below). Swaps the suffix, keeps the spelling of what stands before it."""

import contextlib
import re
from dataclasses import dataclass

from gateway.model.ldap import dn
from gateway.model.objects import Kind
from gateway.model.records import ReferenceForm
from gateway.store.objects import organizations, users
from gateway.store.records import record_rows, references
from gateway.sync.batch_state import Touched, Work

_RDN = re.compile(r'(?:[^,;\\"]|\\.|"(?:[^"\\]|\\.)*")*', re.DOTALL)


def first_rdns(spelled: str, count: int) -> str:
    """The first `count` RDNs of a DN, as they are spelled."""
    end = 0
    for place in range(count):
        matched = _RDN.match(spelled, end + (place > 0))
        end = matched.end() if matched else len(spelled)
    return spelled[:end]


def renamed(spelled: str, key: str, old_key: str, new_spelled: str, new_key: str) -> tuple[str, str]:
    """The DN and key of an entry below the one that was `old_key` and now is `new_key`."""
    rest = key[len(old_key) :]
    return f"{first_rdns(spelled, rest.count(','))},{new_spelled}", new_key + rest


@dataclass(frozen=True, slots=True)
class _Mention:
    """At this place the batch says that the record has this name."""

    place: int
    touched: Touched
    spelled: str
    key: str


def rename_below(work: Work) -> None:
    """Give what lies below each record that gets a new DN its new DN too. Must run before touched rows are written: what the
    batch says of an entry after its parent's renaming counts, what it said before is renamed with it."""
    if not any(touched.names or _has_new_name(touched) for touched in work.touched.values()):
        return
    standing = {record_id: touched.old.dn_key for record_id, touched in work.touched.items() if touched.old is not None}
    for mention in _mentions(work):
        record_id = mention.touched.row.id
        old_key = standing.get(record_id, "")
        standing[record_id] = mention.key
        if old_key and old_key != mention.key:
            _rename(work, mention, old_key, standing)


def _has_new_name(touched: Touched) -> bool:
    return touched.old is not None and touched.old.dn_key != touched.row.dn_key


def _mentions(work: Work) -> list[_Mention]:
    """Every naming of a touched record, in the order of the batch."""
    mentions = []
    for touched in work.touched.values():
        for place, spelled in touched.names:
            with contextlib.suppress(dn.InvalidDN):
                mentions.append(_Mention(place, touched, spelled, dn.key(spelled)))
        if touched.delta is not None and touched.delta.dn:
            mentions.append(_Mention(touched.place, touched, touched.row.dn, touched.row.dn_key))
    return sorted(mentions, key=lambda mention: mention.place)


def _rename(work: Work, new: _Mention, old_key: str, standing: dict[int, str]) -> None:
    if new.key and not new.key.startswith(old_key):
        work.renames.append((new.place, old_key, new.key))
        _rename_stored(work, new, old_key)
        _rename_touched(work, new, old_key, standing)
    elif new.touched.row.object_id is not None and new.touched.kind is Kind.ORGANIZATION:
        unseat(work, new.touched.row.object_id)
    _forget_reports_about(work, {new.touched.row.id})


def _rename_stored(work: Work, new: _Mention, old_key: str) -> None:
    for chunk in record_rows.below(work.connection, work.source_id, old_key, dn.subtree_end(old_key)):
        spots = [spot for spot in chunk if spot.id != new.touched.row.id]
        record_rows.rename(
            work.connection,
            [(*renamed(spot.dn, spot.dn_key, old_key, new.spelled, new.key), spot.id) for spot in spots],
        )
        moved = {spot.id for spot in spots}
        work.moved_records |= moved
        _forget_reports_about(work, moved)


def _rename_touched(work: Work, new: _Mention, old_key: str, standing: dict[int, str]) -> None:
    """What the batch itself says of entries below: `old` follows what was stored, `row` unless a later report tells its DN."""
    for record_id, touched in work.touched.items():
        if touched is new.touched:
            continue
        if record_id in standing and standing[record_id].startswith(old_key):
            standing[record_id] = new.key + standing[record_id][len(old_key) :]
        if touched.old is not None and touched.old.dn_key.startswith(old_key):
            spelled, key = renamed(touched.old.dn, touched.old.dn_key, old_key, new.spelled, new.key)
            touched.old = touched.old._replace(dn=spelled, dn_key=key)
        tells_later = touched.delta is not None and touched.delta.dn != "" and touched.place > new.place
        if touched.row.dn_key.startswith(old_key) and not tells_later:
            spelled, key = renamed(touched.row.dn, touched.row.dn_key, old_key, new.spelled, new.key)
            touched.row = touched.row._replace(dn=spelled, dn_key=key)


def unseat(work: Work, organization_id: str) -> None:
    """The entry has no usable name any more: what was in its organization by position looks for another."""
    work.to_place.update(dict.fromkeys(organizations.child_ids(work.connection, (organization_id,)), Kind.ORGANIZATION))
    work.to_place.update(dict.fromkeys(users.ids_directly_in(work.connection, (organization_id,)), Kind.USER))


def _forget_reports_about(work: Work, record_ids: set[int]) -> None:
    """A group that names these by DN has other names in it now; when it is reported, it must be looked at."""
    pointing = references.leading_to(work.connection, record_ids)
    owners = {pointer.owner for pointer in pointing if pointer.form == ReferenceForm.DN.value}
    record_rows.forget_digests(work.connection, owners)
