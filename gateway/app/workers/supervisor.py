"""All workers: started, told what they must know, replaced when they end, stopped. To app/service.py this is the LDAP
server."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from functools import partial
from typing import Any, Final

import structlog
from twisted.internet.defer import Deferred
from twisted.internet.task import LoopingCall

from gateway.app.config.settings import Settings
from gateway.app.process.certificates import Certificate, Pem
from gateway.app.workers.accepting_port import HandingFactory
from gateway.app.workers.protocol import Boot, Message, Stop, ViewState, renewed
from gateway.app.workers.worker_handle import Arrival, Desk, Post
from gateway.directory.materialization.follower import LogFollower
from gateway.directory.search.view_reader import ViewReader
from gateway.directory.view_file import view_file
from gateway.frontends.admin.health import Health
from gateway.model.backoff import Delays

STEADY_SECONDS: Final = 10.0
"""Who lives so long is no crash loop: it is replaced at once when it ends."""

PAUSES: Final = Delays(first_seconds=1.0, cap_seconds=30.0)

SILENCE_SECONDS: Final = 30.0
"""A worker tells its statistics every second; one that was silent for so long hangs, and is ended. Measured in looks: a clock
that jumps, or a machine that slept, is nobody's silence."""

LOOK_SECONDS: Final = 5.0

_log = structlog.get_logger("gateway.workers")


class Crew:
    """`settings.ldap.workers` workers. `reactor` needs IReactorProcess, IReactorFDSet, IReactorTime."""

    def __init__(
        self, settings: Settings, followers: Sequence[LogFollower], certificate: Certificate | None, desk: Desk, reactor: Any
    ) -> None:
        self.restarts = 0
        self._settings = settings
        self._followers = followers
        self._certificate = certificate
        self._desk = desk
        self._reactor = reactor
        self._posts = [Post(number + 1, desk, self, reactor) for number in range(settings.ldap.workers)]
        self._factories: list[HandingFactory] = []
        self._failures: dict[Post, int] = dict.fromkeys(self._posts, 0)
        self._endings: dict[Post, str] = {}
        self._starting: dict[Post, Any] = {}
        self._builds: dict[str, tuple[ViewReader, str]] = {}
        """By view: the reader that is served, and the build of its file."""
        self._homeless: deque[Arrival] = deque()
        self._turn = 0
        self._stopped: Deferred[None] | None = None
        self._looking = LoopingCall(self._look)
        self._looking.clock = reactor
        for follower in followers:
            follower.on_change.append(partial(self._view_changed, follower))
        if certificate is not None:
            certificate.on_change.append(self._renewed)

    def factory(self, *, encrypted: bool = False) -> HandingFactory:
        """For a listener; `encrypted`: TLS from the first byte (LDAPS)."""
        self._factories.append(HandingFactory(self._desk.admission, self._choose, encrypted=encrypted))
        return self._factories[-1]

    # What app/service.py does with an LDAP server -------------------------------------------------------------------------

    def start(self) -> None:
        """Starts the workers."""
        for post in self._posts:
            self._start(post)
        self._looking.start(LOOK_SECONDS, now=False)

    def stop(self) -> Deferred[None]:
        """Has every worker tell its clients and end; fires when the last has ended."""
        if self._looking.running:
            self._looking.stop()
        for call in self._starting.values():
            call.cancel()
        self._starting.clear()
        stopped = self._stopped = Deferred()
        self._tell(Stop())
        self._check_stopped()
        return stopped

    def drop_all(self) -> None:
        """Ends who did not end by itself."""
        for post in self._posts:
            post.kill()

    # Beginning and end of a worker ------------------------------------------------------------------------------------

    def _start(self, post: Post) -> None:
        self._starting.pop(post, None)
        post.start(Boot(post.number, self._settings, self._certificate.pem if self._certificate else None))

    def ready(self, post: Post) -> None:
        """See Overseer."""
        self._endings.pop(post, None)
        for follower in self._followers:
            post.tell(self._state(follower))
        self._attend()
        _log.info("a worker serves", worker=post.number, pid=post.pid)

    def lost(self, post: Post, untaken: Sequence[Arrival]) -> None:  # noqa: ARG002
        """See Overseer."""
        self._homeless.extend(untaken)
        self._attend()

    def _attend(self) -> None:
        """Whoever waits for a worker gets one, if there is one."""
        while self._homeless and (post := self._choose()) is not None:
            post.hand(self._homeless.popleft())
        for factory in self._factories:
            factory.attend(serving=self.serving > 0)

    def ended(self, post: Post, how: str) -> None:
        """See Overseer."""
        if self._stopped is not None:
            self._check_stopped()
            return
        steady = self._reactor.seconds() - post.born_at >= STEADY_SECONDS
        failures = self._failures[post] = 0 if steady else self._failures[post] + 1
        pause = 0.0 if failures < 2 else PAUSES.after(failures - 2)
        self.restarts += 1
        self._endings[post] = f"worker {post.number} ended {how}"
        _log.error("a worker has ended", worker=post.number, how=how, again_in_seconds=pause, cure=_CURE)
        self._starting[post] = self._reactor.callLater(pause, self._start, post)

    def _look(self) -> None:
        """Ends who hangs: `ended` does the rest."""
        for post in self._posts:
            post.silent_looks += 1
            silent_seconds = post.silent_looks * LOOK_SECONDS
            if post.pid is not None and silent_seconds > SILENCE_SECONDS:
                _log.error("a worker hangs and is ended", worker=post.number, pid=post.pid, silent_seconds=silent_seconds)
                post.kill()

    def _check_stopped(self) -> None:
        if self._stopped is not None and not self._stopped.called and all(post.pid is None for post in self._posts):
            self._stopped.callback(None)

    # Sharing the work -------------------------------------------------------------------------------------------------

    def _choose(self) -> Post | None:
        """The worker with the fewest connections, of those who take what they are handed; among equals they take turns."""
        ready = [post for post in self._posts if post.is_ready]
        if not ready:
            return None
        self._turn += 1
        return min(ready, key=lambda post: (post.is_slow, post.connections, (post.number - self._turn) % len(self._posts)))

    # What they must know ----------------------------------------------------------------------------------------------

    def _view_changed(self, follower: LogFollower) -> None:
        self._tell(self._state(follower))

    def _state(self, follower: LogFollower) -> ViewState:
        name, reader = follower.view.name, follower.reader
        if reader is None:
            return ViewState(name, "", follower.position)
        known = self._builds.get(name)
        if known is None or known[0] is not reader:
            known = self._builds[name] = reader, str(view_file.read_meta(reader.connection, "build"))
        return ViewState(name, known[1], follower.position)

    def _renewed(self, pem: Pem) -> None:
        for message in renewed(pem):
            self._tell(message)

    def _tell(self, message: Message) -> None:
        for post in self._posts:
            post.tell(message)

    # What is told of them ---------------------------------------------------------------------------------------------

    @property
    def serving(self) -> int:
        """How many workers serve."""
        return sum(post.is_ready for post in self._posts)

    def health(self) -> Health:
        """One that serves is enough for clients; who does not is named."""
        found = [f"{self.serving} of {len(self._posts)} workers serve", *self._endings.values()]
        return Health(self.serving > 0, "; ".join(found))


_CURE = "see its last lines in this log; it is started again by itself"
