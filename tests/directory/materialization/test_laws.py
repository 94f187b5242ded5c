"""Law 5: a view that followed the log, in any steps, equals a view built from the store."""

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from random import Random

from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.directory.materialization.log_applier import LogApplier
from tests.directory.random_worlds import History
from tests.directory.view_shapes import SHAPES
from tests.directory.worlds import World, contents

law = settings(deadline=None, max_examples=80)
seeds = st.integers(0, 2**64)
shapes = st.sampled_from(sorted(SHAPES))
STEPS = 20


@contextmanager
def worlds() -> Iterator[World]:
    folder = Path(tempfile.mkdtemp())
    world = World(folder)
    try:
        yield world
    finally:
        world.close()
        shutil.rmtree(folder)


def follow(world: World, updater: LogApplier, most: int) -> bool:
    """Applies the next changes; whether there were any."""
    log = world.log(updater.position, most)
    if log:
        updater.apply(log)
    return bool(log)


@law
@given(shapes, seeds)
def test_law_5_a_view_that_followed_is_the_same_as_one_that_was_built(shape: str, seed: int) -> None:
    random, view = Random(seed), SHAPES[shape]
    with worlds() as world:
        history = History(world, random)
        followed = world.build(view, "followed")
        for _ in range(STEPS):
            history.step()
            while random.random() < 0.6 and follow(world, followed, random.choice((1, 2, 5, 1000))):
                pass
        while follow(world, followed, random.choice((1, 3, 1000))):
            pass
        built = world.build(view)
        assert contents(followed) == contents(built)
        followed.close()
        built.close()


@law
@given(shapes, seeds)
def test_law_5_applying_changes_again_changes_nothing_and_a_build_in_the_middle_ends_the_same(shape: str, seed: int) -> None:
    random, view = Random(seed), SHAPES[shape]
    with worlds() as world:
        history = History(world, random)
        for _ in range(STEPS // 2):
            history.step()
        followed = world.build(view, "followed")
        for _ in range(STEPS // 2):
            history.step()
        start = followed.position
        while follow(world, followed, 3):
            pass
        once = contents(followed)
        if log := world.log(start):
            followed.apply(log)
        assert contents(followed) == once
        built = world.build(view)
        assert contents(built) == once
        followed.close()
        built.close()
