"""The reactor as one type. Code that needs only the time takes `IReactorTime`, so that a test can hand in its own clock."""

from typing import cast

from twisted.internet import interfaces


class IReactor(
    interfaces.IReactorCore,
    interfaces.IReactorTime,
    interfaces.IReactorThreads,
    interfaces.IReactorTCP,
    interfaces.IReactorSSL,
    interfaces.IReactorUDP,
    interfaces.IReactorSocket,
    interfaces.IReactorProcess,
    interfaces.IReactorFDSet,
):
    """All that the program asks of the reactor."""

    def run(installSignalHandlers: bool = True) -> None:  # noqa: N805
        """Run until `stop`; every reactor of Twisted's takes the argument, which IReactorCore leaves out."""


def installed() -> IReactor:
    """Return the process's reactor, installing Twisted's default one if there is none yet."""
    from twisted.internet import reactor

    return cast(IReactor, reactor)
