"""The source of kind `ldif`: one file or a folder of *.ldif, read as a whole, compared, and watched for changes.

All files are read to the end before the first record is yielded, so that a broken file changes nothing; a change between that
and the second pass stops the reconciliation before anything is deleted."""

import codecs
import hashlib
import io
import threading
from collections.abc import Generator, Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Final

from gateway.connectors import reconciliation, watched_files
from gateway.connectors.ldif.parser import LdifRecord, complaint, records
from gateway.connectors.watched_files import Files, Stamp
from gateway.model.connector import CheckItem, CheckStatus
from gateway.model.deltas import Batch, Delta, Watermark
from gateway.model.errors import GatewayError, InvalidSourceData
from gateway.model.ldap import dn as names
from gateway.model.mapping.inbound import InboundMapping, default_mapping, map_entry
from gateway.model.objects import Kind

DEFAULT_OBJECT_CLASSES: Final[Mapping[Kind, tuple[str, ...]]] = {
    Kind.ORGANIZATION: ("organizationalUnit",),
    Kind.USER: ("inetOrgPerson",),
    Kind.GROUP: ("groupOfNames", "groupOfUniqueNames", "posixGroup"),
}
SAMPLES: Final = 5
NAMED_CLASSES: Final = 10  # a message names the object classes that are there, not all of a schema
EXCLUSION: Final = "take the entry out of the file"


@dataclass(frozen=True, slots=True)
class LdifKind:
    """Entries with one of `object_classes` (any case) are objects of the mapping's kind."""

    object_classes: tuple[str, ...]
    mapping: InboundMapping


def ldif_kind(kind: Kind, object_classes: tuple[str, ...] | None = None, mapping: InboundMapping | None = None) -> LdifKind:
    """Return the settings of a kind, with the default object classes and mapping where none are given."""
    classes = DEFAULT_OBJECT_CLASSES[kind] if object_classes is None else object_classes
    return LdifKind(classes, mapping or default_mapping(kind))


@dataclass(frozen=True, slots=True)
class LdifSettings:
    """One source of kind `ldif`. An entry that matches several kinds belongs to the first of organization, user, group.

    `encoding`: of the text that is not in base64; UTF-16 with a byte order mark (`ldifde -u`) is recognized whatever it says.
    `poll_seconds`, `stable_seconds`: see watched_files.Files.
    """

    id: str
    path: Path
    kinds: tuple[LdifKind, ...] = field(default_factory=lambda: tuple(ldif_kind(kind) for kind in Kind))
    poll_seconds: float = 1.0
    stable_seconds: float = 1.0
    encoding: str = "utf-8"

    def __post_init__(self) -> None:
        watched_files.require_text_encoding(self.encoding)

    @property
    def codec(self) -> str:
        """The name of Python's codec."""
        return codecs.lookup(self.encoding).name

    @property
    def fingerprint(self) -> str:
        """A digest of everything that decides how the files are read."""
        rules: list[object] = [asdict(kind) for kind in self.kinds]
        return watched_files.fingerprint(rules if self.codec == "utf-8" else [*rules, self.codec])


class LdifSource:
    """A Source (gateway.model.connector). The external id of an entry is its entryUUID, or the key of its DN without one."""

    source_type = "file"

    def __init__(self, settings: LdifSettings) -> None:
        self.id = settings.id
        self._settings = settings
        self._files = Files(settings.id, settings.path, ".ldif", settings.poll_seconds, settings.stable_seconds)
        self._stop = threading.Event()
        order = sorted(settings.kinds, key=lambda each: list(Kind).index(each.mapping.kind))
        self._by_class = {name.lower(): each.mapping for each in reversed(order) for name in each.object_classes}
        self._rank = {id(each.mapping): rank for rank, each in enumerate(order)}

    def read(self, watermark: Watermark | None, *, follow: bool) -> Iterator[Batch]:
        """See Source.read. Files that have not changed since the watermark yield an empty batch."""
        self._stop = threading.Event()
        return self._read(watched_files.known_digest(self._settings.fingerprint, watermark), follow, self._stop)

    def check(self) -> Iterator[CheckItem]:
        """See Source.check."""
        try:
            stamps = self._files.stamps()
            yield CheckItem("file", CheckStatus.PASSED, watched_files.extent(stamps))
            deltas = list(self._deltas(stamps, hashlib.sha256()))
        except GatewayError as error:
            yield CheckItem("file", CheckStatus.FAILED, str(error), "correct the file; nothing was changed")
            return
        yield CheckItem("syntax", CheckStatus.PASSED)
        left_out = [warning for delta in deltas for warning in delta.warnings]
        if left_out:
            what = f"{len(left_out):,} are left out: {'; '.join(left_out[:SAMPLES])}"
            yield CheckItem("values", CheckStatus.WARNED, what, "correct them, or set encoding to that of the file")
        for kind in self._kinds:
            found = [delta for delta in deltas if delta.kind is kind]
            shown = tuple((delta.kind, delta.dn, delta.attributes) for delta in found[:SAMPLES])
            detail = f"{len(found):,} would be read"
            status, cure = CheckStatus.PASSED, ""
            if not found and kind is Kind.USER:
                status = CheckStatus.WARNED
                cure = f"no entry has one of {', '.join(self._classes(kind))}: set object_classes of [source.{kind}s]"
            yield CheckItem(f"{kind}s", status, detail, cure, samples=shown)

    def close(self) -> None:
        """See Source.close: ends the read that is running; a later `read` works again."""
        self._stop.set()

    def _classes(self, kind: Kind) -> list[str]:
        return [name for each in self._settings.kinds if each.mapping.kind is kind for name in each.object_classes]

    @property
    def _kinds(self) -> list[Kind]:
        configured = {each.mapping.kind for each in self._settings.kinds if each.object_classes}
        return [kind for kind in Kind if kind in configured]

    def _read(self, known: str, follow: bool, stop: threading.Event) -> Iterator[Batch]:
        while True:
            stamps = self._files.stable_stamps(stop)
            digest = hashlib.sha256()
            for _ in self._deltas(stamps, digest):  # the first pass only proves that everything can be read
                self._files.require_running(stop)
            if digest.hexdigest() != known:
                known = digest.hexdigest()
                mark = watched_files.watermark(self._settings.fingerprint, known)
                yield from reconciliation.batches(frozenset(self._kinds), self._verified(stamps, known), mark, caught_up=True)
            else:
                yield Batch(caught_up=True)
            if not follow:
                return
            yield from self._files.heartbeats_until_change(stamps, stop)

    def _verified(self, stamps: tuple[Stamp, ...], digest: str) -> Iterator[Delta]:
        """Yield the second pass. Raises InvalidSourceData, before the reconciliation is complete, when it differs from the
        first."""
        seen = hashlib.sha256()
        try:
            yield from self._deltas(stamps, seen)
            is_same = seen.hexdigest() == digest
        except InvalidSourceData:  # a fault that the first pass did not find
            is_same = False
        if not is_same:
            raise self._files.changed_meanwhile()

    def _deltas(self, stamps: tuple[Stamp, ...], digest: "hashlib._Hash") -> Iterator[Delta]:
        """Yield the deltas of all files, in their order; their octets go into `digest`. Raises InvalidSourceData."""
        lines_by_id: dict[str, str] = {}
        others: dict[str, None] = {}  # the object classes of what is of no kind
        for stamp in stamps:
            for record in records(self._lines(stamp.path, digest), f"source {self.id}: {stamp.path}"):
                delta = self._delta(record)
                if delta is None:
                    if len(others) < NAMED_CLASSES:
                        others |= dict.fromkeys(_classes(record))
                    continue
                where = f"{stamp.path}, line {record.line}"
                earlier = lines_by_id.setdefault(delta.external_id, where)
                if earlier != where:
                    what = f"{record.dn} has the identity of the entry at {earlier}; one of them must go"
                    raise complaint(f"source {self.id}: {stamp.path}", record.line, what)
                yield delta
        if not lines_by_id:
            what = "holds no entry: an empty file is not an empty directory"
            if others:
                named = ", ".join(list(others)[:NAMED_CLASSES])
                what = f"holds no entry of a known object class; there are {named}: set object_classes of [source.users]"
            raise InvalidSourceData(f"source {self.id}: {self._settings.path} {what}")

    def _lines(self, path: Path, digest: "hashlib._Hash") -> Generator[bytes, None, None]:
        digest.update(b"\0" + path.name.encode() + b"\0")
        number = 0
        try:
            codec = self._codec(path)
            with path.open("rb") as octets:
                lines: Iterable[bytes] = octets
                if codec != "utf-8":
                    lines = map(str.encode, io.TextIOWrapper(octets, codec, newline="\n"))
                for number, line in enumerate(lines, 1):  # noqa: B007 (for the error)
                    digest.update(line)
                    yield line
        except UnicodeError as error:
            what = f"what follows is not {self._settings.encoding} ({error}); set encoding to that of the file"
            raise complaint(f"source {self.id}: {path}", number + 1, what) from None
        except OSError as error:
            raise self._files.unreadable(path, error) from None

    def _codec(self, path: Path) -> str:
        """Return the codec of the file: UTF-16 where its byte order mark says so, else the configured one."""
        with path.open("rb") as start:
            is_utf_16 = start.read(2) in (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
        return "utf-16" if is_utf_16 else self._settings.codec

    def _delta(self, record: LdifRecord) -> Delta | None:
        """Return the entry as an upsert; None for an entry of no kind."""
        attributes = {name.lower(): values for name, values in record.attributes}
        mappings = [self._by_class[name] for name in map(str.lower, _classes(record)) if name in self._by_class]
        if not mappings:
            return None
        mapping = min(mappings, key=lambda each: self._rank[id(each)])
        uuids = attributes.get("entryuuid")
        external_id = uuids[0].decode(errors="replace").strip().lower() if uuids else names.key(record.dn)
        return map_entry(mapping, self.id, external_id, record.dn, record.attributes, EXCLUSION)


def _classes(record: LdifRecord) -> list[str]:
    """Return the entry's object classes, as written."""
    values = (values for name, values in record.attributes if name.lower() == "objectclass")
    return [value.decode(errors="replace") for several in values for value in several]
