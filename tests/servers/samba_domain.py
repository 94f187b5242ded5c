"""Makes and fills Samba AD domains through Samba's own Python API; run by the system's python3, which has it.

samba_domain.py provision FOLDER PASSWORD, with FOLDER/base.conf written
samba_domain.py fill FOLDER PEOPLE GROUPS MEMBERS, while no server runs on it
samba_domain.py reinvoke FOLDER, while no server runs on it: gives the controller's database another invocationId
samba_domain.py grant FOLDER DN ACE, beside a running server: adds an access control entry (SDDL) to the entry's list
samba_domain.py set FOLDER DN ATTRIBUTE VALUE, beside a running server: what the rules of the directory do not let anybody write
"""

from __future__ import annotations

import logging
import sys
from collections.abc import Iterator
from typing import Any
from uuid import uuid4

import ldb  # type: ignore[import-not-found]
import samba.param  # type: ignore[import-not-found]
from samba.auth import system_session  # type: ignore[import-not-found]
from samba.dcerpc import misc  # type: ignore[import-not-found]
from samba.dsdb import DS_DOMAIN_FUNCTION_2008_R2  # type: ignore[import-not-found]
from samba.ndr import ndr_pack  # type: ignore[import-not-found]
from samba.provision import provision  # type: ignore[import-not-found]
from samba.samdb import SamDB  # type: ignore[import-not-found]
from samba.sd_utils import SDUtils  # type: ignore[import-not-found]

GROUPS_IN_A_GROUP = 10  # as in scripts.benchmark.servers.sample, whose imports this Python does not have
DISABLED_ACCOUNT = "514"  # an enabled one wants a password, whose hashes take most of the time
HALF_AN_HOUR = str(-30 * 60 * 10**7)
POLICY = {
    "minPwdAge": "0",
    "minPwdLength": "4",
    "pwdProperties": "0",
    "pwdHistoryLength": "0",
    "lockoutThreshold": "3",
    "lockoutDuration": HALF_AN_HOUR,
    "lockOutObservationWindow": HALF_AN_HOUR,
}
BYPASS_PASSWORD_RULES = "local_oid:1.3.6.1.4.1.7165.4.3.20:0"


def make(folder: str, password: str) -> None:
    parameters = samba.param.LoadParm()
    parameters.load(f"{folder}/base.conf")
    made = provision(
        logging.getLogger("provision"),
        system_session(),
        smbconf=None,
        targetdir=folder,
        realm="AD.EXAMPLE.TEST",
        domain="ADTEST",
        hostname="dc1",
        hostip="127.0.0.1",
        adminpass=password,
        serverrole="active directory domain controller",
        dns_backend="NONE",
        dom_for_fun_level=DS_DOMAIN_FUNCTION_2008_R2,
        lp=parameters,
        skip_sysvolacl=True,
        useeadb=False,
        batch_mode=True,
    )
    _replace(made.samdb, made.samdb.domain_dn(), POLICY)


def fill(folder: str, people: int, groups: int, members: int) -> None:
    database = _opened(folder)
    unit = f"OU=bench,{database.domain_dn()}"
    database.transaction_start()
    database.add({"dn": unit, "objectClass": "organizationalUnit"})
    for number in range(people):
        database.add(user(number, unit))
        if number % 1000 == 999:
            database.transaction_commit()
            database.transaction_start()
    for group in all_groups(unit, people, groups, members):
        database.add(group)
    database.transaction_commit()


def reinvoke(folder: str) -> None:
    database = _opened(folder)
    message = ldb.Message(ldb.Dn(database, database.get_dsServiceName()))
    message["invocationId"] = ldb.MessageElement(ndr_pack(misc.GUID(str(uuid4()))), ldb.FLAG_MOD_REPLACE, "invocationId")
    database.modify(message, ["relax:0", "provision:0"])


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
    """Groups of people, above them groups of groups, as scripts.benchmark.servers.sample has them."""
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


def _opened(folder: str) -> Any:
    parameters = samba.param.LoadParm()
    parameters.load(f"{folder}/etc/smb.conf")
    return SamDB(f"{folder}/private/sam.ldb", session_info=system_session(), lp=parameters)


def _replace(database: Any, dn: str, values: dict[str, str], controls: tuple[str, ...] = ()) -> None:
    message = ldb.Message(ldb.Dn(database, dn))
    for name, value in values.items():
        message[name] = ldb.MessageElement(value, ldb.FLAG_MOD_REPLACE, name)
    database.modify(message, list(controls))


if __name__ == "__main__":
    match sys.argv[1:]:
        case ["provision", folder, password]:
            make(folder, password)
        case ["fill", folder, people, groups, members]:
            fill(folder, int(people), int(groups), int(members))
        case ["reinvoke", folder]:
            reinvoke(folder)
        case ["set", folder, dn, attribute, value]:
            _replace(_opened(folder), dn, {attribute: value}, (BYPASS_PASSWORD_RULES,))
        case ["grant", folder, dn, entry]:
            SDUtils(_opened(folder)).dacl_add_ace(dn, entry)
        case _:
            sys.exit(__doc__)
