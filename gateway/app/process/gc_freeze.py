"""Garbage collection without the objects that last as long as the process: modules, classes, tables, parts.

Python's collector would go through all of them again and again, looking for garbage that is not there: some 100 ms each time,
in which no client is answered."""

import gc


def freeze() -> None:
    """Leave the objects that exist now out of all collections to come. They are still freed when nothing refers to them."""
    gc.collect()
    gc.freeze()
