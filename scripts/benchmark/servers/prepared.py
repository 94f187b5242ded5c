"""Data folders that were loaded once and are copied for each run, so that a run can be repeated without loading."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path


class Prepared:
    """`folder` holds one folder for each name; with None nothing is kept and nothing is found.

    What is in it is of no use to a program that stores in another way: remove the folder then.
    """

    def __init__(self, folder: Path | None) -> None:
        self.folder = folder.absolute() if folder else None

    def fetch(self, name: str, into: Path) -> bool:
        """Copy what was kept into a folder (which may be there, empty); whether there was something."""
        if self.folder is None or not (self.folder / name).exists():
            return False
        into.mkdir(parents=True, exist_ok=True)
        _copy(self.folder / name, into)
        return True

    def keep(self, name: str, source: Path) -> None:
        """Copy a folder that no program has open. A copy that broke off is never found."""
        if self.folder is None:
            return
        half = self.folder / f"{name}.half"
        shutil.rmtree(half, ignore_errors=True)
        half.mkdir(parents=True)
        _copy(source, half)
        half.rename(self.folder / name)


def _copy(source: Path, target: Path) -> None:
    """Everything in the folder; LMDB's files are mostly holes."""
    subprocess.run(["cp", "-a", "--reflink=auto", "--sparse=always", f"{source}/.", str(target)], check=True)
