"""Listening ports: each failure names its table and the cure."""

from __future__ import annotations

import pytest
import pytest_twisted
from twisted.internet.protocol import ServerFactory

from gateway.app.listeners import Listener, Ports
from gateway.app.value_types import Endpoint
from gateway.model.errors import ConfigurationError
from gateway.twisted_internals.reactor import installed


@pytest_twisted.ensureDeferred
async def test_a_port_that_is_taken_is_named_with_its_table_and_the_cure() -> None:
    ports = Ports(installed())
    ports.open([Listener("ldap", [Endpoint("127.0.0.1", 0), Endpoint("localhost", 0)], ServerFactory())])
    [taken, other] = ports.addresses()["ldap"]
    assert taken != other
    with pytest.raises(ConfigurationError, match=rf"\[http\] cannot listen on {taken}: another program listens there"):
        ports.open([Listener("http", [Endpoint("127.0.0.1", int(taken.rpartition(":")[2]))], ServerFactory())])
    await ports.close()
    assert ports.addresses() == {}


@pytest_twisted.ensureDeferred
async def test_an_address_that_is_not_of_this_machine_is_a_complaint() -> None:
    for host in ("192.0.2.1", "no-such-host.invalid"):
        with pytest.raises(ConfigurationError, match=rf"\[ldap\] cannot listen on {host}:0: "):
            Ports(installed()).open([Listener("ldap", [Endpoint(host, 0)], ServerFactory())])
