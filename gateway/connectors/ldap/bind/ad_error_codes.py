"""What Active Directory means by 49 invalidCredentials: the sub-code in its diagnostic message, a Win32 error in hexadecimal
("80090308: LdapErr: DSID-0C090447, comment: AcceptSecurityContext error, data 533, v4563"). A table.

But for 52e, 525 and 775, it is told only to those who know the password."""

import re
from typing import Final, NamedTuple

from gateway.model.connector import PolicyNotice
from gateway.wire.controls.bind_and_update import PasswordPolicyError

_DATA = re.compile(r"AcceptSecurityContext error, data ([0-9a-f]{1,8})\b", re.IGNORECASE)

_EXPIRED = PolicyNotice(error=int(PasswordPolicyError.PASSWORD_EXPIRED))
_LOCKED = PolicyNotice(error=int(PasswordPolicyError.ACCOUNT_LOCKED))
_MUST_CHANGE = PolicyNotice(error=int(PasswordPolicyError.CHANGE_AFTER_RESET))


class Meaning(NamedTuple):
    """`reason`: for the audit. `notice`: what the password policy control says of it. `of_password`: whether it says anything
    of the password at all: if not, nobody was asked (law 8)."""

    reason: str
    notice: PolicyNotice | None = None
    of_password: bool = True


MEANINGS: Final[dict[str, Meaning]] = {
    "52e": Meaning("wrong password"),  # ERROR_LOGON_FAILURE
    "525": Meaning("no such user"),  # ERROR_NO_SUCH_USER
    "530": Meaning("not at this time of day"),  # ERROR_INVALID_LOGON_HOURS
    "531": Meaning("not from this computer"),  # ERROR_INVALID_WORKSTATION
    "532": Meaning("password expired", _EXPIRED),  # ERROR_PASSWORD_EXPIRED
    "533": Meaning("account disabled", _LOCKED),  # ERROR_ACCOUNT_DISABLED
    "701": Meaning("account expired", _LOCKED),  # ERROR_ACCOUNT_EXPIRED
    "773": Meaning("password must be changed", _MUST_CHANGE),  # ERROR_PASSWORD_MUST_CHANGE
    "775": Meaning("account locked", _LOCKED),  # ERROR_ACCOUNT_LOCKED_OUT
    "51f": Meaning("no controller could be asked", of_password=False),  # ERROR_NO_LOGON_SERVERS
}


def meaning(diagnostic: str) -> Meaning | None:
    """What the message says; None when it is not Active Directory's."""
    matched = _DATA.search(diagnostic)
    if matched is None:
        return None
    code = matched[1].lower().lstrip("0") or "0"
    return MEANINGS.get(code) or Meaning(f"sub-code {code}")
