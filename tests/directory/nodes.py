"""A node: one process's view of a world, followed by the real reactor; and waits for its state."""

from collections.abc import Callable
from typing import Any, cast

from twisted.internet.task import deferLater

from gateway.changelog.tail import Tail
from gateway.directory.materialization.follower import LogFollower
from gateway.directory.projection.view_definition import View
from gateway.twisted_internals.reactor import IReactor, installed
from tests.directory.worlds import World, openldap_view


class RecordingReactor:
    """The reactor without delays before retries; the delays asked for are recorded."""

    def __init__(self) -> None:
        self.delays: list[float] = []

    def callLater(self, delay: float, work: Callable[..., Any], *arguments: Any) -> Any:
        self.delays.append(delay)
        return installed().callLater(0.01, work, *arguments)

    def callFromThread(self, work: Callable[..., Any], *arguments: Any) -> None:
        installed().callFromThread(work, *arguments)


class Node:
    """One process's view of a world."""

    def __init__(self, world: World, view: View | None = None) -> None:
        self.world = world
        self.reactor = RecordingReactor()
        self.tail = Tail(world.database, installed(), poll_seconds=0.02)
        self.follower = LogFollower(
            view or openldap_view(), world.folder, world.database, self.tail, cast(IReactor, self.reactor)
        )
        self.follower.start()

    def names(self) -> set[str]:
        """The users that can be found."""
        reader = self.follower.reader
        assert reader is not None
        return {row[0] for row in reader.execute("SELECT dn FROM entry WHERE kind = 'user'")}

    async def up_to_date(self) -> None:
        last = self.world.log()[-1].number
        await until(lambda: self.follower.reader is not None and self.follower.reader.position >= last)

    async def stop(self) -> None:
        self.tail.close()
        await self.follower.stop()


async def until(reached: Callable[[], bool]) -> None:
    for _ in range(2_000):
        if reached():
            return
        await deferLater(installed(), 0.005)
    raise AssertionError("it did not come to that")


def name(login: str) -> str:
    return f"uid={login},ou=people,dc=example,dc=test"


def events(logs: list[Any]) -> list[str]:
    return [entry["event"] for entry in logs]
