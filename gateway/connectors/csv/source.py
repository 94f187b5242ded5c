"""The source of kind `csv`: one file or a folder of *.csv, read as a whole, compared, and watched for changes.

All files are read to the end before the first record is yielded, so that a broken file changes nothing; a change between that
and the second pass stops the reconciliation before anything is deleted. A broken row is kept aside (to_deltas.py)."""

import hashlib
import io
import threading
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Final

from gateway.connectors import reconciliation, watched_files
from gateway.connectors.csv.parser import UNKNOWN_OCTETS
from gateway.connectors.csv.people import Person, people
from gateway.connectors.csv.settings import CsvSettings
from gateway.connectors.csv.to_deltas import DeltaBuilder, Findings
from gateway.connectors.watched_files import Files, Stamp
from gateway.model.connector import CheckItem, CheckStatus
from gateway.model.deltas import Batch, Delta, Watermark
from gateway.model.errors import GatewayError, InvalidSourceData
from gateway.model.objects import Attributes, Kind

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

SAMPLES: Final = 5


class CsvSource:
    """A Source (gateway.model.connector). The external id of a person is the value in `id_column`, that of an organization its
    path, that of a group its name."""

    source_type = "file"

    def __init__(self, settings: CsvSettings) -> None:
        self.id = settings.id
        self._settings = settings
        self._files = Files(settings.id, settings.path, ".csv", settings.poll_seconds, settings.stable_seconds)
        self._stop = threading.Event()

    def read(self, watermark: Watermark | None, *, follow: bool) -> Iterator[Batch]:
        """See Source.read. Files that have not changed since the watermark yield an empty batch."""
        self._stop = threading.Event()
        return self._read(watched_files.known_digest(self._settings.fingerprint, watermark), follow, self._stop)

    def check(self) -> Iterator[CheckItem]:
        """See Source.check."""
        try:
            stamps = self._files.stamps()
            yield CheckItem("file", CheckStatus.PASSED, watched_files.extent(stamps))
            findings = self._found(stamps, hashlib.sha256(), threading.Event())
            yield from _broken_rows(findings)
            yield from self._counted(stamps, findings)
        except GatewayError as error:
            yield CheckItem("rows", CheckStatus.FAILED, str(error), "correct the file; nothing was changed")

    def close(self) -> None:
        """See Source.close: ends the read that is running; a later `read` works again."""
        self._stop.set()

    def _read(self, known: str, follow: bool, stop: threading.Event) -> Iterator[Batch]:
        while True:
            stamps = self._files.stable_stamps(stop)
            digest = hashlib.sha256()
            findings = self._found(stamps, digest, stop)
            if digest.hexdigest() != known:
                known = digest.hexdigest()
                mark = watched_files.watermark(self._settings.fingerprint, known)
                compared = findings.compared(self._settings.kinds)
                yield from reconciliation.batches(compared, self._verified(stamps, findings, known), mark, caught_up=True)
            else:
                yield Batch(caught_up=True)
            del findings
            if not follow:
                return
            yield from self._files.heartbeats_until_change(stamps, stop)

    def _found(self, stamps: tuple[Stamp, ...], digest: "hashlib._Hash", stop: threading.Event) -> Findings:
        """Return the findings of the first pass. Raises InvalidSourceData when the files as a whole cannot be read."""
        findings = Findings()
        for stamp in stamps:
            findings.line_numbers.begin_file(stamp.path)
            for person in self._people(stamp.path, digest):
                findings.add(person)
            self._files.require_running(stop)
        findings.require_usable(f"source {self.id}: {self._settings.path}")
        return findings

    def _verified(self, stamps: tuple[Stamp, ...], findings: Findings, digest: str) -> Iterator[Delta]:
        """Yield the second pass. Raises InvalidSourceData, before the reconciliation is complete, when it differs from the
        first."""
        seen = hashlib.sha256()
        try:
            yield from self._deltas(stamps, findings, seen)
            is_same = seen.hexdigest() == digest
        except InvalidSourceData:  # a fault that the first pass did not find
            is_same = False
        if not is_same:
            raise self._files.changed_meanwhile()

    def _deltas(self, stamps: tuple[Stamp, ...], findings: Findings, digest: "hashlib._Hash") -> Iterator[Delta]:
        builder = DeltaBuilder(self._settings, findings)
        for stamp in stamps:
            for person in self._people(stamp.path, digest):
                yield from builder.deltas(person, stamp.path)
        yield from builder.groups()

    def _people(self, path: Path, digest: "hashlib._Hash") -> Iterator[Person]:
        """Yield the rows of one file; its octets go into `digest`. Raises InvalidSourceData, SourceUnavailable,
        SourceRefused."""
        where = f"source {self.id}: {path}"
        digest.update(b"\0" + path.name.encode() + b"\0")
        try:
            with path.open("rb", buffering=0) as file:
                octets = io.BufferedReader(_Digested(file, digest))
                text = io.TextIOWrapper(octets, self._settings.codec, UNKNOWN_OCTETS, newline="")
                yield from people(text, self._settings, where)
        except OSError as error:
            raise self._files.unreadable(path, error) from None
        except UnicodeError:  # raised for octets that even the error handler cannot represent
            what = f"is no text in {self._settings.encoding}: give the encoding that it was written in"
            raise InvalidSourceData(f"{where}: {what}") from None

    def _counted(self, stamps: tuple[Stamp, ...], findings: Findings) -> Iterator[CheckItem]:
        """Yield one item for each kind: the number of records, and the first of them."""
        counts: Counter[Kind] = Counter()
        samples: dict[Kind, list[tuple[Kind, str, Attributes]]] = {kind: [] for kind in Kind}
        for delta in self._deltas(stamps, findings, hashlib.sha256()):
            if delta.problem and not delta.attributes:
                continue
            counts[delta.kind] += 1
            if len(samples[delta.kind]) < SAMPLES:
                samples[delta.kind].append((delta.kind, delta.external_id, delta.attributes))
        for kind in self._settings.kinds:
            yield CheckItem(f"{kind}s", CheckStatus.PASSED, f"{counts[kind]:,} would be read", samples=tuple(samples[kind]))


class _Digested(io.RawIOBase):
    """A file whose octets go into a digest as they are read."""

    def __init__(self, file: io.RawIOBase, digest: "hashlib._Hash") -> None:
        self._file = file
        self._digest = digest

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: "WriteableBuffer") -> int | None:
        count = self._file.readinto(buffer)
        self._digest.update(memoryview(buffer)[: count or 0])
        return count


def _broken_rows(findings: Findings) -> Iterator[CheckItem]:
    count = f"{findings.rows:,} rows"
    if findings.is_whole:
        yield CheckItem("rows", CheckStatus.PASSED, count)
        return
    unsure = "" if findings.is_sure else "; it is not sure whom they are about, so nothing would be deleted"
    detail = f"{count}, {findings.broken:,} of them broken and kept aside{unsure}: {'; '.join(findings.faults)}"
    yield CheckItem("rows", CheckStatus.WARNED, detail, "correct them at the source; all others are read")
