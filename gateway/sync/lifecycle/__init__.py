"""Lifecycle: the end of users and of sources.

- grace_period: how long leavers stay, by source.
- leased_sweep: work in small transactions, by one node of all, again and again.
- log_retention: the sweep that shortens the change log at its beginning.
- leaver_sweep: the sweep that deletes leavers when their grace period is over.
- source_finalization: records of a source that is no more become local records, with the same objects.
- source_retirement: the end of a source that is out of the configuration: its objects are kept (finalize) or go (terminate).

Must never be: an object deleted because its source is missing from the configuration; an administrator decides.
"""
