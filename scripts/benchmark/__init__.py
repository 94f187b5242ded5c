"""The bench: slapd and the gateway side by side on one generated directory. `scripts/bench --help` says how to run it.

Read `__main__` (the measurements by name, and the table at the end), `rows` (the measurements), `stage` (the servers of a run,
started when a row first asks), `measure` and `table` (rows, medians, Markdown), `servers`, `load_generator`. `correlating` is a
program of its own. Both sides are measured in turns, and the median counts.
"""
