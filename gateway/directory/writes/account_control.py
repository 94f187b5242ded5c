"""userAccountControl as clients write it ([MS-ADTS] §2.2.16): whether an account is enabled, and flags that change nothing
here. Pure."""

from collections.abc import Sequence
from typing import Final

from gateway.directory.projection.named_values import DISABLED, NORMAL_ACCOUNT, account_control
from gateway.directory.writes.write_errors import Violation, WriteRefused
from gateway.model.objects import Attributes, Value, first_text

PASSWORD_NOT_REQUIRED, PASSWORD_DOES_NOT_EXPIRE = 0x20, 0x10000

WRITABLE: Final = NORMAL_ACCOUNT | DISABLED | PASSWORD_NOT_REQUIRED | PASSWORD_DOES_NOT_EXPIRE
"""The flags that clients may change: programs that make accounts set them, and none gives a right. Others would promise what is
not done here (a smart card, delegation, another kind of account)."""


def edit_of(values: Sequence[bytes], present: Attributes) -> dict[str, tuple[Value, ...]]:
    """Return our attributes for the values that userAccountControl is to have; `present`: the attributes of the person, none of
    a new one. Raises WriteRefused."""
    enabled = first_text(present, "enabled") != "false"
    before = account_control(present, enabled)
    if not values:
        raise WriteRefused(Violation.CONSTRAINT, "userAccountControl has a value always")
    try:
        [flags] = map(int, values)
    except ValueError:
        raise WriteRefused(Violation.SYNTAX, "userAccountControl has one value, a number") from None
    if (flags ^ before) & ~WRITABLE or not flags & NORMAL_ACCOUNT:
        raise WriteRefused(
            Violation.CONSTRAINT,
            f"of userAccountControl only the flags 2, 32 and 65536 can be changed here, and 512 stays; it is {before} now",
        )
    edit: dict[str, tuple[Value, ...]] = {}
    if bool(flags & DISABLED) is enabled:
        edit["enabled"] = ("false" if enabled else "true",)
    if (flags ^ before) & ~DISABLED:
        edit["user_account_control"] = (str(flags & ~DISABLED),)
    return edit
