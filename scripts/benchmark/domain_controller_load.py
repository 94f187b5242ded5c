"""Provisions a Samba AD domain and fills it, through Samba's own Python API; run by the system's python3.

domain_controller_load.py DIRECTORY PASSWORD ADDRESS PEOPLE GROUPS MEMBERS, with DIRECTORY/base.conf written.
"""

from __future__ import annotations

import logging
import sys
from collections.abc import Iterator
from typing import Any

import samba.param  # type: ignore[import-not-found]
from samba.auth import system_session  # type: ignore[import-not-found]
from samba.dsdb import DS_DOMAIN_FUNCTION_2008_R2  # type: ignore[import-not-found]
from samba.provision import provision  # type: ignore[import-not-found]

GROUPS_IN_A_GROUP = 10  # as in scripts.benchmark.sample, whose imports this Python does not have
DISABLED_ACCOUNT = "514"  # an enabled one wants a password, whose hashes take most of the time


def main(directory: str, password: str, address: str, people: int, groups: int, members: int) -> None:
    parameters = samba.param.LoadParm()
    parameters.load(f"{directory}/base.conf")
    made = provision(
        logging.getLogger("provision"),
        system_session(),
        smbconf=None,
        targetdir=directory,
        realm="AD.EXAMPLE.TEST",
        domain="ADTEST",
        hostname="dc1",
        hostip=address,
        adminpass=password,
        serverrole="active directory domain controller",
        dns_backend="NONE",
        dom_for_fun_level=DS_DOMAIN_FUNCTION_2008_R2,
        lp=parameters,
        skip_sysvolacl=True,
        useeadb=False,
        batch_mode=True,
    )
    database = made.samdb
    unit = f"OU=bench,{database.domain_dn()}"
    database.transaction_start()
    database.add({"dn": unit, "objectClass": "organizationalUnit"})
    for number in range(people):
        database.add(user(number, unit))
    for group in all_groups(unit, people, groups, members):
        database.add(group)
    database.transaction_commit()


def user(number: int, unit: str) -> dict[str, Any]:
    login = f"user{number:06d}"
    return {
        "dn": f"CN={login},{unit}",
        "objectClass": "user",
        "sAMAccountName": login,
        "userAccountControl": DISABLED_ACCOUNT,
        "sn": f"Sur{number:06d}",
        "displayName": f"Given{number % 500} Sur{number:06d}",
        "mail": f"{login}@example.test",
    }


def all_groups(unit: str, people: int, groups: int, members: int) -> Iterator[dict[str, Any]]:
    """Groups of people, above them groups of groups, as scripts.benchmark.sample has them."""
    for number in range(groups):
        who = [f"CN=user{(number * members + one) % people:06d},{unit}" for one in range(members)]
        yield group(number, who, unit)
    first, below = 0, groups
    while below > 1:
        count = -(-below // GROUPS_IN_A_GROUP)
        for number in range(count):
            inside = range(number * GROUPS_IN_A_GROUP, min(below, (number + 1) * GROUPS_IN_A_GROUP))
            yield group(first + below + number, [f"CN=group{first + one:05d},{unit}" for one in inside], unit)
        first, below = first + below, count


def group(number: int, members: list[str], unit: str) -> dict[str, Any]:
    name = f"group{number:05d}"
    return {"dn": f"CN={name},{unit}", "objectClass": "group", "sAMAccountName": name, "member": members}


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], sys.argv[3], int(sys.argv[4]), int(sys.argv[5]), int(sys.argv[6]))
