"""The options before the command, as every command is given them (click's `pass_obj`)."""

from __future__ import annotations

import os
from functools import cached_property
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from gateway.app.config.loader import Loaded


class Invocation:
    """One call of `gateway`. The configuration is read when a command first asks for it."""

    def __init__(self, file: str | None, assignments: tuple[str, ...]) -> None:
        self._file = file
        self._assignments = assignments

    @cached_property
    def loaded(self) -> Loaded:
        """The configuration in force. Raises ConfigurationError with all complaints."""
        from gateway.app.config import file_location, loader  # pydantic's models cost `gateway --version` 0.6 s of CPU

        return loader.load(file_location.find(self._file, os.environ), os.environ, self._assignments)
