"""Who gives a command: the name under which a decision is kept, and told in the log."""

from __future__ import annotations

import getpass
import os


def whoever() -> str:
    """The person's login name on this machine, through sudo; a number when it has no name."""
    try:
        return os.environ.get("SUDO_USER") or getpass.getuser()
    except (KeyError, OSError):  # nobody knows this number by name
        return str(os.getuid())
