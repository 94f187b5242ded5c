"""What a process is made of once it is put together: modules, classes, tables, parts. It lasts as long as the process.

Python's collector would go through all of it again and again, looking for garbage that is not there: some 100 ms each time,
in which nobody is answered."""

import gc


def settle() -> None:
    """Leave out what is there now from all collections to come. It is still freed when nothing refers to it."""
    gc.collect()
    gc.freeze()
