"""What a Debian system knows of accounts (NSS), and whether it lets somebody in (PAM)."""

from __future__ import annotations

import re
import subprocess

from tests.recipes.debian import Debian


def account(debian: Debian, name_or_number: str) -> str:
    """The line of passwd(5), "" when there is none."""
    return debian.run("getent", "passwd", name_or_number).stdout.strip()


def group(debian: Debian, name_or_number: str) -> tuple[int, set[str]]:
    """A group's number and the login names of its members."""
    _, _, number, members = debian.output("getent", "group", name_or_number).strip().split(":")
    return int(number), set(members.split(","))


def groups_of(debian: Debian, login: str) -> set[int]:
    """The numbers of the person's groups, the primary one with them."""
    return {int(number) for number in debian.output("id", "-G", login).split()}


def change_password(debian: Debian, service: str, login: str, old: str, new: str) -> str:
    """As `log_in`, for a change that the person asks for."""
    command = ("setpriv", f"--reuid={login}", "--regid=20000", "--init-groups", "pamtester", service, login, "chauthtok")
    done = debian.run(*command, given=f"{old}\n{new}\n{new}\n")
    return _complaint(done)


def log_in(debian: Debian, service: str, login: str, password: str) -> str:
    """What PAM says against it: "" for a good log-in of somebody who may."""
    done = debian.run("pamtester", service, login, "authenticate", "acct_mgmt", given=f"{password}\n")
    return _complaint(done)


def _complaint(done: subprocess.CompletedProcess[str]) -> str:
    [complaint] = re.findall(r"pamtester: (?!successfully)(.*)$", done.stdout, re.MULTILINE) if done.returncode else [""]
    return str(complaint)
