"""conf/clients/django-auth-ldap: people log in to a Django project, as Django's own users with names, groups and flags."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.recipes.company import ANNA, JOAO, WEI, ZOE, Company
from tests.recipes.debian import TIMEOUT_SECONDS
from tests.recipes.recipe import Addresses, text

RECIPES = ("django-auth-ldap",)

PROJECT = """
import json, sys
import django
from django.conf import settings
import settings_ldap
settings.configure(
    SECRET_KEY="of a test",
    PASSWORD_HASHERS=["django.contrib.auth.hashers.MD5PasswordHasher"],
    DATABASES={"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"}},
    INSTALLED_APPS=["django.contrib.auth", "django.contrib.contenttypes"],
    **{name: getattr(settings_ldap, name) for name in dir(settings_ldap) if name.isupper()},
)
django.setup()
from django.contrib.auth import authenticate
from django.core.management import call_command
call_command("migrate", verbosity=0)
known = []
for name, password in json.load(sys.stdin):
    user = authenticate(username=name, password=password)
    known.append(user and {
        "name": user.get_full_name(),
        "email": user.email,
        "staff": user.is_staff,
        "groups": sorted(group.name for group in user.groups.all()),
    })
json.dump(known, sys.stdout)
"""


@pytest.fixture
def project(gateway: Addresses, tmp_path: Path) -> Path:
    """A folder with a Django project that takes the recipe as it is."""
    (tmp_path / "settings_ldap.py").write_text(text("django-auth-ldap/settings_ldap.py", gateway))
    (tmp_path / "project.py").write_text(PROJECT)
    return tmp_path


def log_in(project: Path, *tried: tuple[str, str]) -> list[dict[str, Any] | None]:
    """What Django knows of whoever came with these names and passwords; None for those that it does not let in."""
    command = [sys.executable, "project.py"]
    given = json.dumps(tried)
    done = subprocess.run(command, cwd=project, input=given, capture_output=True, text=True, timeout=TIMEOUT_SECONDS)
    assert done.returncode == 0, done.stderr
    return list(json.loads(done.stdout))


def test_members_of_the_group_log_in_with_names_groups_and_flags(project: Path) -> None:
    anna, zoe = log_in(project, (ANNA.uid, ANNA.password), (ZOE.uid, ZOE.password))
    groups = ["administrators", "databases", "vpn-users"]
    assert anna == {"name": ANNA.name, "email": ANNA.mail, "staff": True, "groups": groups}
    assert zoe == {"name": ZOE.name, "email": ZOE.mail, "staff": False, "groups": groups[1:]}


def test_nobody_else_does(project: Path) -> None:
    wrong = [(ANNA.uid, "wrong"), (ANNA.uid, ""), ("nobody", ANNA.password), ("*", ANNA.password), ("a*)(uid=*", ANNA.password)]
    strangers = [(person.uid, person.password) for person in (WEI, JOAO)]
    assert log_in(project, *wrong, *strangers) == [None] * 7


def test_somebody_who_joins_the_group_logs_in(project: Path, company: Company) -> None:
    new = replace(JOAO, uid="new.editor", number=10109)
    company.hire(new)
    company.join(new, "vpn-users")
    try:
        [known] = log_in(project, (new.uid, new.password))
    finally:
        company.leave(new, "vpn-users")
    assert known is not None and known["groups"] == ["vpn-users"]
