"""The server in a process of its own, for tests that measure it: `python -m tests.frontends.ldap.server_process FOLDER`.

Prints one line when it serves: the port, and the name and secret of an application that sees everything."""

import sys
from pathlib import Path

from twisted.internet import epollreactor

epollreactor.install()  # type: ignore[no-untyped-call]


def main(folder: Path) -> None:
    """Serves until it is ended."""
    from twisted.internet.defer import ensureDeferred

    from tests.frontends.ldap.serving import Serving, World, the_reactor

    async def serve() -> None:
        world = World(folder)
        await world.start()
        serving = Serving(world)
        print("ready:", serving.port, serving.portal.dn, serving.portal.password, flush=True)

    the_reactor.callWhenRunning(lambda: ensureDeferred(serve()))
    the_reactor.run()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
