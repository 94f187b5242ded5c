"""The files of a file source (LDIF, CSV): one file, or those of a folder; watched for changes, and read only when they are
stable.

A digest of the octets identifies what was read, so that a file that was only touched, or replaced by an equal one, causes no
reconciliation."""

import hashlib
import json
import threading
import time
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final, NamedTuple

from gateway.model.deltas import Batch, Watermark
from gateway.model.errors import InvalidSourceData, SourceRefused, SourceUnavailable

HEARTBEAT_SECONDS: Final = 2.0  # the reader gets control back this often; the Protocol asks for 5


class Stamp(NamedTuple):
    """The result of `stat` by which a change of the file is noticed."""

    path: Path
    size: int
    modified_ns: int
    inode: int


def extent(stamps: Collection[Stamp]) -> str:
    """Return how much there is to read, in words."""
    size = sum(stamp.size for stamp in stamps)
    return f"{size:,} bytes" if len(stamps) == 1 else f"{len(stamps)} files, {size:,} bytes in all"


@dataclass(frozen=True, slots=True)
class Files:
    """The file at `path`, or every file in that folder that ends in `suffix` (".ldif"), in the order of their names.

    `poll_seconds`: the time between two looks at the files. `stable_seconds`: a file modified less than this ago is not read
    yet, because its writer may not be done.
    """

    source_id: str
    path: Path
    suffix: str
    poll_seconds: float = 1.0
    stable_seconds: float = 1.0

    def stamps(self) -> tuple[Stamp, ...]:
        """Return the stamps of all files, at least one. Raises SourceUnavailable, SourceRefused, or InvalidSourceData for an
        empty folder."""
        try:
            files = sorted(self.path.glob(f"*{self.suffix}")) if self.path.is_dir() else [self.path]
            stats = [(file, file.stat()) for file in files]
        except OSError as error:
            raise self.unreadable(self.path, error) from None
        if not stats:
            what = f"holds no *{self.suffix}: an empty folder is not an empty directory"
            raise InvalidSourceData(f"source {self.source_id}: {self.path} {what}")
        return tuple(Stamp(file, found.st_size, found.st_mtime_ns, found.st_ino) for file, found in stats)

    def stable_stamps(self, stop: threading.Event) -> tuple[Stamp, ...]:
        """Return the stamps once no file was modified for `stable_seconds`. Blocks; raises as `stamps`, and SourceUnavailable
        when stopped."""
        while True:
            stamps = self.stamps()
            age = min(time.time() - stamp.modified_ns / 1e9 for stamp in stamps)
            if not 0 <= age < self.stable_seconds:  # a time in the future is a wrong clock, not a busy writer
                return stamps
            stop.wait(self.stable_seconds - age)
            self.require_running(stop)

    def heartbeats_until_change(self, stamps: tuple[Stamp, ...], stop: threading.Event) -> Iterator[Batch]:
        """Yield an empty batch every HEARTBEAT_SECONDS until a file no longer has its stamp. Blocks; raises as
        `stable_stamps`."""
        heartbeat = time.monotonic() + HEARTBEAT_SECONDS
        while self.stamps() == stamps:
            stop.wait(min(self.poll_seconds, HEARTBEAT_SECONDS))
            self.require_running(stop)
            if time.monotonic() >= heartbeat:
                heartbeat = time.monotonic() + HEARTBEAT_SECONDS
                yield Batch(caught_up=True)

    def require_running(self, stop: threading.Event) -> None:
        """Raise SourceUnavailable when `stop` is set."""
        if stop.is_set():
            raise SourceUnavailable(f"source {self.source_id}: reading was stopped")

    def changed_meanwhile(self) -> InvalidSourceData:
        """Return the error for files whose second reading differs from the first."""
        return InvalidSourceData(f"source {self.source_id}: {self.path} changed while it was read: it is read again")

    def unreadable(self, path: Path, error: OSError) -> SourceUnavailable | SourceRefused:
        """Return the error for a file that cannot be read."""
        if isinstance(error, PermissionError):
            return SourceRefused(f"source {self.source_id}: {path} may not be read: give the gateway's user the right to")
        return SourceUnavailable(f"source {self.source_id}: {path} cannot be read ({error.strerror}): check the path")


def watermark(fingerprint: str, digest: str) -> Watermark:
    """Return the watermark: files of this digest were read under the settings of this fingerprint."""
    return Watermark(json.dumps({"fingerprint": fingerprint, "digest": digest}).encode())


def known_digest(fingerprint: str, stored: Watermark | None) -> str:
    """Return the digest of the files that were read last; "" when they were read under other settings, or never."""
    try:
        decoded = json.loads(stored or b"{}")
        return str(decoded["digest"]) if decoded["fingerprint"] == fingerprint else ""
    except (ValueError, KeyError, TypeError):
        return ""


def fingerprint(rules: object) -> str:
    """Return a digest of `rules`, which JSON can hold."""
    return hashlib.sha256(json.dumps(rules, sort_keys=True).encode()).hexdigest()[:32]


def require_text_encoding(name: str) -> None:
    """Raise ValueError, with the cure, for a name that is no encoding of text."""
    try:
        "".encode(name)
    except LookupError:  # also raised for codecs that are not between text and octets
        raise ValueError(f'encoding {name!r} is not known; write for example "utf-8", "gbk" or "windows-1252"') from None
