"""Backfills: what is new to the directory is brought to the objects of before, a thousand in a transaction, told by the change
log like every other change.

`job` (how a process starts and stops one), `correlation_keys` (before a source is read), `authority` and `posix_numbers` (after
the start, beside the sources). Objects that are written meanwhile get the same in the door; several nodes may run one at the
same time.
"""
