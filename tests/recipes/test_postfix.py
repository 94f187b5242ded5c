"""conf/clients/postfix: mail to people and to groups arrives in mailboxes; mail to nobody is refused at the door."""

from __future__ import annotations

import smtplib
from collections.abc import Iterator
from dataclasses import replace

import pytest

from tests.app.installation import until
from tests.recipes.company import ANNA, JOAO, WEI, ZOE, Company
from tests.recipes.debian import Debian
from tests.recipes.recipe import Addresses, text
from tests.servers.processes import accepts, free_port

RECIPES = ("postfix",)

NEW = replace(JOAO, uid="new.writer", number=10106)
SENDER = "somebody@elsewhere.example"
SETTINGS = """
compatibility_level = 3.6
myhostname = mail.sample.example
mydestination =
inet_interfaces = 127.0.0.1
inet_protocols = ipv4
maillog_file = /var/log/mail.log
virtual_mailbox_domains = sample.example
virtual_mailbox_base = /var/vmail
virtual_uid_maps = static:5000
virtual_gid_maps = static:5000
virtual_mailbox_maps = ldap:/etc/postfix/directory-people.cf
virtual_alias_maps = ldap:/etc/postfix/directory-groups.cf
smtpd_recipient_restrictions = reject_unauth_destination
"""


@pytest.fixture(scope="module")
def port(debian: Debian, gateway: Addresses) -> Iterator[int]:
    """Where SMTP is spoken."""
    port = free_port()
    for name in ("people", "groups"):
        debian.write(f"/etc/postfix/directory-{name}.cf", text(f"postfix/directory-{name}.cf", gateway))
    services = debian.read("/etc/postfix/master.cf.proto").splitlines()
    # In the system all is under one root already: no service is put into /var/spool/postfix.
    words = (line.split(maxsplit=7) for line in services if line and not line.startswith(("#", " ")))
    lines = [[*each[:4], "n", *each[5:]] for each in words]
    lines = [[f"127.0.0.1:{port}", *each[1:]] if each[0] == "smtp" and each[1] == "inet" else each for each in lines]
    debian.write("/etc/postfix/master.cf", "".join(" ".join(each) + "\n" for each in lines))
    debian.write("/etc/postfix/main.cf", SETTINGS)
    debian.output("install", "-d", "-o", "5000", "-g", "5000", "/var/vmail")
    debian.output("postfix", "start")
    until(lambda: accepts(port), "Postfix accepts")
    yield port


def send(port: int, recipient: str, subject: str) -> int:
    """The answer to RCPT TO, or 250 when the message was taken."""
    with smtplib.SMTP("127.0.0.1", port) as connection:
        try:
            connection.sendmail(SENDER, recipient, f"Subject: {subject}\n\nhello\n")
        except smtplib.SMTPRecipientsRefused as refused:
            return refused.recipients[recipient][0]
    return 250


def received(debian: Debian, subject: str) -> set[str]:
    """Who has a message with this subject."""
    found = debian.run("grep", "-rl", f"^Subject: {subject}$", "/var/vmail").stdout.split()
    return {path.split("/")[3] for path in found}


def test_mail_to_a_person_arrives(port: int, debian: Debian) -> None:
    assert send(port, ZOE.mail, "to-zoe") == 250
    assert until(lambda: received(debian, "to-zoe"), "the message arrives") == {ZOE.uid}


def test_mail_to_a_group_arrives_at_each_member(port: int, debian: Debian) -> None:
    assert send(port, "vpn-users@sample.example", "to-a-group") == 250
    until(lambda: len(received(debian, "to-a-group")) == 2, "the messages arrive")
    assert received(debian, "to-a-group") == {ANNA.uid, ZOE.uid}


def test_mail_to_a_group_of_groups_arrives_at_everybody_in_them_once(port: int, debian: Debian) -> None:
    assert send(port, "all-staff@sample.example", "to-all") == 250
    until(lambda: len(received(debian, "to-all")) == 3, "the messages arrive")
    assert received(debian, "to-all") == {ANNA.uid, ZOE.uid, WEI.uid}


@pytest.mark.parametrize("recipient", ["nobody@sample.example", "no-group@sample.example", "a*@sample.example"])
def test_mail_to_nobody_is_refused(port: int, recipient: str) -> None:
    assert send(port, recipient, "to-nobody") == 550


def test_somebody_who_is_hired_gets_mail(port: int, debian: Debian, company: Company) -> None:
    assert send(port, NEW.mail.replace("new", "old"), "too-early") == 550
    company.hire(NEW)
    assert send(port, NEW.mail, "welcome") == 250
    assert until(lambda: received(debian, "welcome"), "the message arrives") == {NEW.uid}
