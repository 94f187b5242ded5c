"""The reactor of `gateway serve`, in a process of its own: another one is installed in this."""

import subprocess
import sys

PROGRAM = """
from gateway.twisted_internals.turn_reactor import TurnReactor, turn_reactor
reactor = turn_reactor()
assert isinstance(reactor, TurnReactor) and turn_reactor() is reactor
from twisted.internet.protocol import Protocol, Factory, ClientFactory

heard = []

class Server(Protocol):
    def dataReceived(self, data):
        heard.append("data")
        reactor.call_at_end_of_turn(lambda: heard.append("end"))
        reactor.call_at_end_of_turn(lambda: self.transport.write(data))

class Client(Protocol):
    def connectionMade(self):
        self.transport.write(b"ping")
    def dataReceived(self, data):
        heard.append(data.decode())
        self.transport.loseConnection()
    def connectionLost(self, reason):
        def from_a_call():
            # Nothing else happens: a reactor that first waited for a socket would wait for ever.
            reactor.call_at_end_of_turn(lambda: (heard.append("late"), reactor.callLater(0, reactor.stop)))
        reactor.callLater(0, from_a_call)

class Broken(Protocol):
    def dataReceived(self, data):
        raise RuntimeError("one connection's bug is not another's")

port = reactor.listenTCP(0, Factory.forProtocol(Server), interface="127.0.0.1")
broken = reactor.listenTCP(0, Factory.forProtocol(Broken), interface="127.0.0.1")

class Pusher(Protocol):
    def connectionMade(self):
        self.transport.write(b"x")
    def connectionLost(self, reason):
        factory = ClientFactory.forProtocol(Client)
        reactor.connectTCP("127.0.0.1", port.getHost().port, factory)

reactor.connectTCP("127.0.0.1", broken.getHost().port, ClientFactory.forProtocol(Pusher))
reactor.run()
print(*heard)
"""


def test_work_put_off_to_the_end_of_a_turn_is_done_before_the_reactor_waits_again() -> None:
    done = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True, timeout=30)
    assert done.stdout.split() == ["data", "end", "ping", "late"], done.stderr


def test_serving_installs_it_before_anything_brings_twisteds_own() -> None:
    program = (
        "import click, sys\n"
        "from gateway.app.commands import serve\n"
        "assert 'twisted.internet.reactor' not in sys.modules\n"
        "import gateway.app.workers.worker_process\n"
        "assert 'twisted.internet.reactor' not in sys.modules\n"
    )
    subprocess.run([sys.executable, "-c", program], check=True, timeout=30)


STREAM = """
import socket, threading
from gateway.twisted_internals.turn_reactor import turn_reactor
reactor = turn_reactor()
from twisted.internet.protocol import Protocol, Factory

SIZE = 8 * 1024 * 1024

class Server(Protocol):
    def connectionMade(self):
        self.transport.registerProducer(self, True)
        self.left = SIZE
        self.wanted = True
        self.produce()
    def produce(self):
        while self.wanted and self.left:
            self.left -= 65536
            self.transport.write(b"x" * 65536)
        if not self.left:
            self.transport.unregisterProducer()
            self.transport.loseConnection()
    def pauseProducing(self):
        self.wanted = False
    def resumeProducing(self):
        self.wanted = True
        self.produce()
    def stopProducing(self):
        pass

port = reactor.listenTCP(0, Factory.forProtocol(Server), interface="127.0.0.1")

def read(number):
    with socket.create_connection(("127.0.0.1", port.getHost().port)) as client:
        total = 0
        while data := client.recv(4096 if number else 1 << 20):
            total += len(data)
    totals.append(total)
    if len(totals) == 3:
        reactor.callFromThread(reactor.stop)

totals = []
for number in range(3):
    threading.Thread(target=read, args=(number,)).start()
reactor.run()
assert totals == [SIZE] * 3 and not reactor.getWriters(), totals
print("whole")
"""


def test_a_client_that_does_not_take_all_at_once_is_watched_until_it_has() -> None:
    done = subprocess.run([sys.executable, "-c", STREAM], capture_output=True, text=True, timeout=60)
    assert done.stdout == "whole\n", done.stderr
