"""Stage: the servers that the chosen rows need, started when a row first asks, ended with the run."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

from scripts.benchmark.load_generator.load import Endpoint, Load, LoadGenerator, LoadResult
from scripts.benchmark.measure import Measured, Row, in_turns
from scripts.benchmark.servers import domain_controller, peers, sample
from scripts.benchmark.servers.contenders import PROVIDER, BenchError, Contender, as_contender, start_slapd
from scripts.benchmark.servers.gateway_side import PLAIN, Gateway, Setup
from scripts.benchmark.servers.prepared import Prepared
from scripts.benchmark.servers.sample import Size
from tests.servers import pki
from tests.servers.pki import Pki
from tests.servers.slapd import Slapd

WARMUP_SECONDS = 0.5
Asked = tuple[Endpoint, Load]


@dataclass(frozen=True, slots=True)
class Effort:
    """Length and number of the measurements, and the sizes of single rows."""

    seconds: float = 3.0
    repeats: int = 3
    changes: int = 200
    idle_connections: int = 10_000
    slow_readers: int = 200
    samba: Size = Size(2_000, 200, 10)  # noqa: RUF009 - frozen


class Stage:
    """The contenders of one run, each in a folder of its own below `directory`."""

    def __init__(
        self, directory: Path, size: Size, effort: Effort, prepared: Prepared, end: ExitStack, say: Callable[[str], None]
    ) -> None:
        self.directory = directory
        self.size = size
        self.effort = effort
        self.say = say
        self.generator = LoadGenerator(directory)
        self._prepared = prepared
        self._end = end

    @cached_property
    def pki(self) -> Pki:
        folder = self.directory / "pki"
        folder.mkdir()
        return pki.create(folder)

    @cached_property
    def provider(self) -> Slapd:
        """The slapd that everything comes from: mdb with indexes, no log, syncprov."""
        self.say(f"loading {self.size.people:,} people and {self.size.groups:,} groups of {self.size.members} into slapd")
        folder, name = self.directory / "provider", f"slapd-{self.size.name}"
        started = start_slapd(folder, self.pki, PROVIDER, sample.directory(self.size), self._prepared, name)
        self._end.callback(started.end)
        return started

    @cached_property
    def slapd(self) -> Contender:
        return as_contender(self.provider)

    @cached_property
    def slapd_unindexed(self) -> Contender:
        started = peers.unindexed(self.directory / "unindexed", self.pki, self._prepared, self.size)
        self._end.callback(started.end)
        return as_contender(started)

    @cached_property
    def slapd_with_ad_attributes(self) -> Contender:
        started = peers.with_ad_attributes(self.directory / "ad", self.pki, self._prepared, self.size)
        self._end.callback(started.end)
        return as_contender(started)

    @cached_property
    def durable_slapd(self) -> Endpoint:
        """A slapd that is written to, as its administrator."""
        started = peers.durable(self.directory / "durable", self.pki, self._prepared, self.size)
        self._end.callback(started.end)
        return replace(as_contender(started).endpoint, bind_dn=started.admin.dn, password=started.admin.password)

    @cached_property
    def proxy(self) -> Endpoint:
        """back-ldap in front of the provider."""
        started = peers.Proxy(self.directory / "proxy", self.provider)
        self._end.callback(started.end)
        return replace(self.slapd.endpoint, port=started.port)

    @cached_property
    def samba(self) -> Contender:
        self.say(f"provisioning Samba AD with {self.effort.samba.people:,} people and {self.effort.samba.groups:,} groups")
        started = domain_controller.start(self.directory / "samba", self.pki, self.effort.samba)
        self._end.callback(started.end)
        return domain_controller.contender(started)

    def gateway(self, setup: Setup = PLAIN) -> Contender:
        """The gateway, running that way."""
        return self.installation.contender(setup, self.size)

    @cached_property
    def installation(self) -> Gateway:
        """The gateway's data folder with everything in it."""
        made, _ = self._installed
        return made

    @property
    def load_seconds(self) -> float | None:
        """From an empty store to everything searchable; None when the data was prepared by another run."""
        _, seconds = self._installed
        return seconds

    @cached_property
    def _installed(self) -> tuple[Gateway, float | None]:
        folder, name = self.directory / "gateway", f"gateway-{self.size.name}"
        folder.mkdir(exist_ok=True)
        made = Gateway(folder, self.provider, self.pki)
        self._end.callback(made.stop)
        if made.fetch(self._prepared, name):
            return made, None
        self.say("starting the gateway with an empty store")
        seconds = made.load(self.size, self.generator)
        if self._prepared.folder is not None:
            made.keep(self._prepared, name)
        return made, seconds

    def compare(self, row: Row, asked: tuple[Asked, Asked], value_of: Callable[[LoadResult], float]) -> Measured:
        """Ask both sides in turns, slapd or its stand-in first; the turn's number is the seed."""

        def side(endpoint: Endpoint, load: Load) -> Callable[[int], float]:
            return lambda turn: value_of(self.generator.run(endpoint, replace(load, seed=turn + 1)))

        return in_turns(row, (side(*asked[0]), side(*asked[1])), self.effort.repeats)

    def agree(self, asked: tuple[Asked, Asked], requests: int = 20) -> None:
        """Ask both the same few things. Raises BenchError when they find different numbers of entries."""
        counts = [self.generator.run(endpoint, replace(load, requests=requests)).entries for endpoint, load in asked]
        if counts[0] != counts[1] or counts[0] == 0:
            raise BenchError(f"the same {requests} searches found {counts[0]} entries at slapd and {counts[1]} at the gateway")

    def timed(self, filter_template: str, connections: int = 8, in_flight: int = 1, **more: object) -> Load:
        """Searches with a random person's number in them, for as long as a measurement takes."""
        return Load(
            filter_template=filter_template,
            connections=connections,
            in_flight=in_flight,
            seconds=self.effort.seconds,
            warmup=min(WARMUP_SECONDS, self.effort.seconds),
            **{"range": self.size.people, **more},  # type: ignore[arg-type]
        )
