"""The company under a view that takes every form of bind name, for the tests of what is given as one."""

from dataclasses import replace
from types import SimpleNamespace
from uuid import uuid4

from gateway.directory.directory import Directory
from gateway.model.ldap.dn import DN
from tests.frontends.ldap.serving import Account, World

DOMAIN, NETBIOS = "example.test", "EXAMPLE"


def every_name(world: World) -> Directory:
    """The world's directory, its one view taking user@domain, DOMAIN\\user and bare logins beside DNs."""
    forms = frozenset({"dn", "principal", "domain", "login"})
    view = replace(world.view, bind_names=forms, domain=DOMAIN, netbios=NETBIOS)
    return Directory([SimpleNamespace(view=view, reader=world.follower.reader)])


def granted(world: World, *grants: str, **rights: object) -> Account:
    """A new application with these grants."""
    return world.application(f"app{uuid4().hex[:8]}", grants=grants, **rights)


def application_name(account: Account) -> str:
    """The name in its DN."""
    return DN.parse(account.dn).rdns[0].avas[0].value
