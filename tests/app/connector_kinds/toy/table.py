"""Its `[[source]]` table."""

from __future__ import annotations

from typing import Literal

from gateway.app.connector_kinds.source_table import SourceTable
from gateway.app.value_types import FilePath
from tests.app.connector_kinds.toy.connector import RosterSettings


class RosterTable(SourceTable):
    kind: Literal["roster"]
    path: FilePath

    @property
    def authenticates(self) -> bool:
        return True

    def settings(self) -> RosterSettings:
        return RosterSettings(self.name, self.path)
