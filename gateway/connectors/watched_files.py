"""Files that a source is read from: one, or those of a folder; noticed when they change, waited for while they are written.

For sources that are read as a whole and compared (LDIF, CSV). What was read is told by a digest of the octets, so a file that
was only touched, or replaced by the same, is nothing new."""

import hashlib
import json
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final, NamedTuple

from gateway.model.deltas import Batch, Watermark
from gateway.model.errors import InvalidSourceData, SourceRefused, SourceUnavailable

HEARTBEAT_SECONDS: Final = 2.0  # the reader gets control back this often; the Protocol asks for 5


class Stamp(NamedTuple):
    """What `stat` tells of a file; it changes when the file does."""

    path: Path
    size: int
    modified_ns: int
    inode: int


@dataclass(frozen=True, slots=True)
class Files:
    """The file at `path`, or every file in that folder that ends in `suffix` (".ldif"), in the order of their names.

    `poll_seconds`: how often they are looked at. `stable_seconds`: one that was written to less than this ago is waited for,
    because its writer may not be done.
    """

    source_id: str
    path: Path
    suffix: str
    poll_seconds: float = 1.0
    stable_seconds: float = 1.0

    def stamps(self) -> tuple[Stamp, ...]:
        """As they are now, at least one. Raises SourceUnavailable, SourceRefused, or InvalidSourceData for an empty folder."""
        try:
            files = sorted(self.path.glob(f"*{self.suffix}")) if self.path.is_dir() else [self.path]
            stats = [(file, file.stat()) for file in files]
        except OSError as error:
            raise self.unreadable(self.path, error) from None
        if not stats:
            what = f"holds no *{self.suffix}: an empty folder is not an empty directory"
            raise InvalidSourceData(f"source {self.source_id}: {self.path} {what}")
        return tuple(Stamp(file, found.st_size, found.st_mtime_ns, found.st_ino) for file, found in stats)

    def settled(self, stop: threading.Event) -> tuple[Stamp, ...]:
        """As they are once nobody has written to them for `stable_seconds`. Blocks; raises as `stamps`, and when stopped."""
        while True:
            stamps = self.stamps()
            age = min(time.time() - stamp.modified_ns / 1e9 for stamp in stamps)
            if not 0 <= age < self.stable_seconds:  # a time in the future is a wrong clock, not a busy writer
                return stamps
            stop.wait(self.stable_seconds - age)
            self.go_on(stop)

    def unchanged(self, stamps: tuple[Stamp, ...], stop: threading.Event) -> Iterator[Batch]:
        """Empty batches, now and then, until a file is no more what its stamp says. Blocks; raises as `stamps`, and when
        stopped."""
        heartbeat = time.monotonic() + HEARTBEAT_SECONDS
        while self.stamps() == stamps:
            stop.wait(min(self.poll_seconds, HEARTBEAT_SECONDS))
            self.go_on(stop)
            if time.monotonic() >= heartbeat:
                heartbeat = time.monotonic() + HEARTBEAT_SECONDS
                yield Batch(caught_up=True)

    def go_on(self, stop: threading.Event) -> None:
        """Raises SourceUnavailable once the reading is to stop."""
        if stop.is_set():
            raise SourceUnavailable(f"source {self.source_id}: reading was stopped")

    def changed_meanwhile(self) -> InvalidSourceData:
        """What to raise when a second reading was not the first."""
        return InvalidSourceData(f"source {self.source_id}: {self.path} changed while it was read: it is read again")

    def unreadable(self, path: Path, error: OSError) -> SourceUnavailable | SourceRefused:
        """What to raise when a file cannot be read."""
        if isinstance(error, PermissionError):
            return SourceRefused(f"source {self.source_id}: {path} may not be read: give the gateway's user the right to")
        return SourceUnavailable(f"source {self.source_id}: {path} cannot be read ({error.strerror}): check the path")


def watermark(fingerprint: str, digest: str) -> Watermark:
    """That files of this digest were read by the rules of this fingerprint."""
    return Watermark(json.dumps({"fingerprint": fingerprint, "digest": digest}).encode())


def known_digest(fingerprint: str, stored: Watermark | None) -> str:
    """The digest of what was read last; "" when it was read by other rules, or never."""
    try:
        said = json.loads(stored or b"{}")
        return str(said["digest"]) if said["fingerprint"] == fingerprint else ""
    except (ValueError, KeyError, TypeError):
        return ""


def fingerprint(rules: object) -> str:
    """Changes with `rules`: anything that JSON can hold."""
    return hashlib.sha256(json.dumps(rules, sort_keys=True).encode()).hexdigest()[:32]
