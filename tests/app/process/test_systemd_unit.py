"""conf/gateway.service fits the command and the defaults; and a gateway that cannot stop in order is ended all the same."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from gateway.app import cli
from gateway.app.config.file_location import PLACES
from gateway.app.config.settings import GatewayTable
from gateway.app.service import STOP_SECONDS

UNIT = Path(__file__).parents[3] / "conf" / "gateway.service"

HANGING = """
import sys
from types import SimpleNamespace
from twisted.internet import reactor
from twisted.internet.defer import Deferred
from gateway.app import service
from gateway.app.process.log_output import GuardedStream

async def never():
    await Deferred()

nothing = lambda *_: None
part = SimpleNamespace(start=nothing, stop=lambda: never())
program = SimpleNamespace(failures=[], listeners=[], followers=[], certificates=[], threads=part, ldap=part, runners=part)
service.STOP_SECONDS = 0.1
reactor.callWhenRunning(lambda: reactor.callLater(0, reactor.stop))
service.Service(program, reactor, {}, GuardedStream(sys.stderr)).run()
sys.exit("it came back")
"""


def settings() -> dict[str, str]:
    lines = (line.partition("=") for line in UNIT.read_text().splitlines() if "=" in line and not line.startswith("#"))
    return {key: value for key, _, value in lines}


def test_the_unit_starts_a_command_that_there_is_with_the_default_places() -> None:
    unit = settings()
    assert unit["ExecStart"].split()[1:] == ["--config", str(PLACES[0]), "serve"]
    assert "serve" in cli.COMMANDS
    assert GatewayTable().data_dir == Path("/var/lib") / unit["StateDirectory"]
    assert (unit["Type"], unit["ExecReload"]) == ("notify", "/bin/kill -HUP $MAINPID")


def test_passwords_get_into_no_core_dump_and_a_leak_does_not_take_the_machine() -> None:
    unit = settings()
    assert unit["LimitCORE"] == "0"
    assert unit["MemoryMax"].removesuffix("G").isdigit()


def test_systemd_waits_longer_for_the_end_than_the_gateway_does() -> None:
    assert float(settings()["TimeoutStopSec"]) > STOP_SECONDS


def test_a_part_that_never_stops_is_left_behind() -> None:
    done = subprocess.run([sys.executable, "-c", HANGING], capture_output=True, text=True, timeout=30)
    assert done.returncode == 1
    assert "the gateway stops without waiting any longer" in done.stdout + done.stderr
    assert "it came back" not in done.stderr


def test_an_error_that_nobody_thought_of_ends_the_start_with_the_reason() -> None:
    refusing = HANGING.replace("reactor.callWhenRunning(", "(").replace("ldap=part", "ldap=None")
    done = subprocess.run([sys.executable, "-c", refusing], capture_output=True, text=True, timeout=30)
    assert done.returncode == 1
    assert "the gateway cannot start" in done.stdout + done.stderr
    assert "'NoneType' object has no attribute 'start'" in done.stdout + done.stderr
