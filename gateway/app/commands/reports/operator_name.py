"""The operator's name, as decisions are kept and logged under it."""

from __future__ import annotations

import getpass
import os


def login_name() -> str:
    """Return the login name of the person who runs the command, through sudo; the user id when it has no name."""
    try:
        return os.environ.get("SUDO_USER") or getpass.getuser()
    except (KeyError, OSError):  # the user id is not in the password database
        return str(os.getuid())
