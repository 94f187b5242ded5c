"""The connector: a text file with a login name to each line."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from gateway.model.connector import BindAnswer, BindOutcome, CheckItem, CheckStatus
from gateway.model.deltas import Batch, Delta, DeltaType, Watermark
from gateway.model.errors import SourceUnavailable
from gateway.model.objects import Kind


@dataclass(frozen=True, slots=True)
class RosterSettings:
    id: str
    path: Path


class RosterSource:
    """A Source (gateway.model.connector)."""

    source_type = "roster"

    def __init__(self, settings: RosterSettings) -> None:
        self.id = settings.id
        self._settings = settings

    def read(self, watermark: Watermark | None, *, follow: bool) -> Iterator[Batch]:
        users = frozenset({Kind.USER})
        yield Batch(tuple(self._deltas()), Watermark(b"read"), users, users, caught_up=True)

    def check(self) -> Iterator[CheckItem]:
        yield CheckItem("roster", CheckStatus.PASSED, f"{len(list(self._deltas()))} names")

    def close(self) -> None:
        """Nothing is open."""

    def _deltas(self) -> Iterator[Delta]:
        try:
            names = self._settings.path.read_text().split()
        except OSError as error:
            raise SourceUnavailable(str(error)) from None
        for name in names:
            yield Delta(DeltaType.UPSERT, Kind.USER, name, name, {"username": (name,)})


class RosterPasswords:
    """An Authenticator (gateway.model.connector): each user's password is the name backwards."""

    async def authenticate(self, dn: str, password: bytes) -> BindAnswer:
        return BindAnswer(BindOutcome.ACCEPTED if password.decode() == dn[::-1] else BindOutcome.REFUSED)

    async def decoy(self, password: bytes) -> None:
        """A wrong password costs no time here."""
