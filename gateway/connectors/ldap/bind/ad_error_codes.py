"""The causes of Active Directory's 49 invalidCredentials: a table by the sub-code in its diagnostic message, a Win32 error in
hexadecimal ("80090308: LdapErr: DSID-0C090447, comment: AcceptSecurityContext error, data 533, v4563").

Apart from 52e, 525 and 775, the controller sends a sub-code only when the password was right."""

import re
from typing import Final, NamedTuple

from gateway.model.connector import PolicyNotice
from gateway.wire.controls.bind_and_update import PasswordPolicyError

_DATA = re.compile(r"AcceptSecurityContext error, data ([0-9a-f]{1,8})\b", re.IGNORECASE)

_EXPIRED = PolicyNotice(error=int(PasswordPolicyError.PASSWORD_EXPIRED))
_LOCKED = PolicyNotice(error=int(PasswordPolicyError.ACCOUNT_LOCKED))
_MUST_CHANGE = PolicyNotice(error=int(PasswordPolicyError.CHANGE_AFTER_RESET))


class Cause(NamedTuple):
    """The cause of a refused bind. `reason`: for the audit. `notice`: its form in the password policy control.
    `concerns_password`: False when no controller could check the password, which is no refusal (law 8). `sub_code`: of a cause
    that clients are told of: they ask for a new password, or for an administrator."""

    reason: str
    notice: PolicyNotice | None = None
    concerns_password: bool = True
    sub_code: str = ""

    @property
    def told(self) -> tuple[PolicyNotice | None, str, str]:
        """The fields of a BindAnswer: notice, reason, sub-code."""
        return self.notice, self.reason, self.sub_code


CAUSES: Final[dict[str, Cause]] = {
    "52e": Cause("wrong password"),  # ERROR_LOGON_FAILURE
    "525": Cause("no such user"),  # ERROR_NO_SUCH_USER
    "530": Cause("not at this time of day"),  # ERROR_INVALID_LOGON_HOURS
    "531": Cause("not from this computer"),  # ERROR_INVALID_WORKSTATION
    "532": Cause("password expired", _EXPIRED, sub_code="532"),  # ERROR_PASSWORD_EXPIRED
    "533": Cause("account disabled", _LOCKED, sub_code="533"),  # ERROR_ACCOUNT_DISABLED
    "701": Cause("account expired", _LOCKED, sub_code="701"),  # ERROR_ACCOUNT_EXPIRED
    "773": Cause("password must be changed", _MUST_CHANGE, sub_code="773"),  # ERROR_PASSWORD_MUST_CHANGE
    "775": Cause("account locked", _LOCKED, sub_code="775"),  # ERROR_ACCOUNT_LOCKED_OUT
    "51f": Cause("no controller could be asked", concerns_password=False),  # ERROR_NO_LOGON_SERVERS
}


def cause(diagnostic: str) -> Cause | None:
    """Return the cause that a diagnostic message names; None when it is not one of Active Directory's."""
    matched = _DATA.search(diagnostic)
    if matched is None:
        return None
    code = matched[1].lower().lstrip("0") or "0"
    return CAUSES.get(code) or Cause(f"sub-code {code}")
