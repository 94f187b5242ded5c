"""An entry above others was renamed or moved: its source reports that entry alone, and everything below has a new DN (RFC 4511
§4.9; syncrepl does not send the entries below). Swaps the suffix, keeps the spelling of what stands before it."""

import re

from gateway.model import dn
from gateway.model.objects import Kind
from gateway.model.records import ReferenceForm
from gateway.store import organizations, records, references, users
from gateway.store.records import RecordRow
from gateway.sync.work import Work

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


def rename_below(work: Work) -> None:
    """Give what lies below each touched record that has a new DN its new DN too. Must run before touched rows are written: what
    the batch says of an entry after its parent's renaming counts, what it said before is renamed with it."""
    for place, touched in enumerate(list(work.touched.values())):
        old_key, new_key = touched.old.dn_key if touched.old else "", touched.row.dn_key
        if not old_key or old_key == new_key:
            continue
        if new_key and not new_key.startswith(old_key):
            work.renames.append((place, old_key, new_key))
            _swap(work, place, old_key, touched.row)
        elif touched.row.object_id is not None and touched.kind is Kind.ORGANIZATION:
            _unseat(work, touched.row.object_id)
        _forget_reports_about(work, {touched.row.id})


def _swap(work: Work, place: int, old_key: str, new: RecordRow) -> None:
    for chunk in records.below(work.connection, work.source_id, old_key, dn.subtree_end(old_key)):
        spots = [spot for spot in chunk if spot.id != new.id]
        names = [(*renamed(spot.dn, spot.dn_key, old_key, new.dn, new.dn_key), spot.id) for spot in spots]
        records.rename(work.connection, names)
        moved = {spot.id for spot in spots}
        work.moved_records |= moved
        _forget_reports_about(work, moved)
    for other, touched in enumerate(work.touched.values()):
        if touched.row.id == new.id:
            continue
        if touched.old is not None and touched.old.dn_key.startswith(old_key):
            spelled, key = renamed(touched.old.dn, touched.old.dn_key, old_key, new.dn, new.dn_key)
            touched.old = touched.old._replace(dn=spelled, dn_key=key)
        says_where = touched.delta is not None and touched.delta.dn != ""
        if touched.row.dn_key.startswith(old_key) and (other < place or not says_where):
            spelled, key = renamed(touched.row.dn, touched.row.dn_key, old_key, new.dn, new.dn_key)
            touched.row = touched.row._replace(dn=spelled, dn_key=key)


def _unseat(work: Work, organization_id: str) -> None:
    """The entry has no usable name any more: what was in its organization by position looks for another."""
    work.to_place.update(dict.fromkeys(organizations.child_ids(work.connection, (organization_id,)), Kind.ORGANIZATION))
    work.to_place.update(dict.fromkeys(users.ids_directly_in(work.connection, (organization_id,)), Kind.USER))


def _forget_reports_about(work: Work, record_ids: set[int]) -> None:
    """A group that names these by DN has other names in it now; when it is reported, it must be looked at."""
    pointing = references.leading_to(work.connection, record_ids)
    owners = {pointer.owner for pointer in pointing if pointer.form == ReferenceForm.DN.value}
    records.forget_digests(work.connection, owners)
