"""Runners: each source is read, batch after batch, from the start of the process to its end.

In the order in which to read it: `runner_group` (all of them, started and stopped together), `source_runner` (the life of
one: lease, read, pause), `prefetched_batches` (one read as the source's thread sees it), `sync_run` (one read as the store sees
it), `lease` and `lease_name`, `retry_delays`, `run_log` (log lines, without floods) and `statistics_text`. `dry_run` does the
same reads and writes nothing; `foreseen_members` are the missing members of groups in it.

What must never be: a loop without a pause, or an error of a source that ends its runner.
"""
