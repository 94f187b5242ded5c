"""Objects that exist at the freeze are left out of collections; garbage that comes later is not."""

import gc
import weakref
from collections.abc import Iterator

import pytest

from gateway.app.process.gc_freeze import freeze


class Knot:
    """Refers to itself: only a collection frees it."""

    def __init__(self) -> None:
        self.itself = self


@pytest.fixture(autouse=True)
def thawed() -> Iterator[None]:
    yield
    gc.unfreeze()


def test_later_collections_leave_out_what_is_there_and_find_what_comes() -> None:
    freeze()
    assert gc.get_freeze_count() > 1_000
    assert len(gc.get_objects()) < 1_000, "nothing else is gone through"
    gone = weakref.ref(Knot())
    gc.collect()
    assert gone() is None
