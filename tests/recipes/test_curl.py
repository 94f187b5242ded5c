"""conf/clients/curl: a group by URL, with the configuration file alone."""

from __future__ import annotations

import re
from base64 import b64decode

from tests.recipes.company import ANNA, ZOE
from tests.recipes.debian import Debian
from tests.recipes.recipe import SECRET, Addresses, text

RECIPES = ("curl",)


def test_the_members_of_the_group_are_printed_with_name_and_address(debian: Debian, gateway: Addresses) -> None:
    debian.write("/root/people.curl", text("curl/people.curl", gateway))
    printed = debian.output("curl", "--silent", "--config", "/root/people.curl")
    names = {b64decode(value).decode() for value in re.findall(r"^\tcn:: (.*)$", printed, re.MULTILINE)}
    assert names == {ANNA.name, ZOE.name}
    assert set(re.findall(r"^\tmail: (.*)$", printed, re.MULTILINE)) == {ANNA.mail, ZOE.mail}


def test_with_a_wrong_secret_nothing_is_printed(debian: Debian, gateway: Addresses) -> None:
    debian.write("/root/wrong.curl", text("curl/people.curl", gateway, **{SECRET: "wrong"}))
    done = debian.run("curl", "--silent", "--config", "/root/wrong.curl")
    assert (done.returncode, done.stdout) == (67, ""), "67: the server denied the log-in"
