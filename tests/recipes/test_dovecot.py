"""conf/clients/dovecot: people open their mailboxes over IMAP, and deliveries find them."""

from __future__ import annotations

import imaplib
from dataclasses import replace

import pytest

from tests.recipes.company import ANNA, JOAO, WEI, ZOE, Company, Person
from tests.recipes.debian import Debian
from tests.recipes.recipe import Addresses, text
from tests.servers.processes import accepts, free_port

RECIPES = ("dovecot",)

NEW = replace(JOAO, uid="new.reader", number=10105)
SERVER = """
protocols = imap
listen = 127.0.0.1
ssl = no
disable_plaintext_auth = no
auth_mechanisms = plain login
auth_failure_delay = 0
mail_location = maildir:~/Maildir
log_path = /dev/stderr
service imap-login {
  inet_listener imap {
    port = PORT
  }
}
# Dovecot makes an address that failed wait longer each time; all of us have one address.
service anvil {
  unix_listener anvil-auth-penalty {
    mode = 0
  }
}
!include auth-ldap.conf.ext
"""


@pytest.fixture(scope="module")
def port(debian: Debian, gateway: Addresses) -> int:
    """Where IMAP is spoken."""
    port = free_port()
    debian.output("useradd", "--system", "--create-home", "--home-dir", "/var/vmail", "vmail")
    debian.write("/etc/dovecot/dovecot.conf", SERVER.replace("PORT", str(port)))
    debian.write("/etc/dovecot/auth-ldap.conf.ext", text("dovecot/auth-ldap.conf.ext", gateway))
    debian.write("/etc/dovecot/dovecot-ldap.conf.ext", text("dovecot/dovecot-ldap.conf.ext", gateway), 0o600)
    debian.daemon("/usr/sbin/dovecot", "-F", ready=lambda: accepts(port))
    return port


def open_mailbox(port: int, login: str, password: str) -> str:
    """Log in and select the inbox; how the server answered, or how it refused."""
    with imaplib.IMAP4("127.0.0.1", port) as connection:
        try:
            connection.authenticate("PLAIN", lambda _: f"\0{login}\0{password}".encode())
        except imaplib.IMAP4.error as refused:
            return str(refused)
        return connection.select()[0]


@pytest.mark.parametrize("person", [ANNA, WEI, ZOE, JOAO], ids=lambda person: person.uid)
def test_everybody_opens_the_own_mailbox_by_name_and_by_address(port: int, person: Person) -> None:
    assert open_mailbox(port, person.uid, person.password) == "OK"
    assert open_mailbox(port, person.mail, person.password) == "OK"


@pytest.mark.parametrize(
    ("login", "password"),
    [(ANNA.uid, "wrong"), (ZOE.mail, "wrong"), ("nobody", ANNA.password), ("*", ANNA.password), ("a*)(uid=*", ANNA.password)],
)
def test_nobody_else_does(port: int, login: str, password: str) -> None:
    assert "AUTHENTICATIONFAILED" in open_mailbox(port, login, password)


def test_deliveries_find_a_mailbox_by_address(port: int, debian: Debian) -> None:
    found = debian.output("doveadm", "user", ZOE.mail)
    assert f"home\t/var/vmail/{ZOE.uid}" in found
    assert debian.run("doveadm", "user", "nobody@sample.example").returncode == 67


def test_all_mailboxes_are_listed(port: int, debian: Debian, company: Company) -> None:
    assert set(debian.output("doveadm", "user", "*").split()) == company.everybody()


def test_somebody_who_is_hired_has_a_mailbox(port: int, company: Company) -> None:
    company.hire(NEW)
    assert open_mailbox(port, NEW.uid, NEW.password) == "OK"


def test_an_upstream_that_is_down_is_not_a_wrong_password(port: int, company: Company) -> None:
    with company.upstream_down():
        assert "[UNAVAILABLE]" in open_mailbox(port, ANNA.uid, ANNA.password)
    assert open_mailbox(port, ANNA.uid, ANNA.password) == "OK"
