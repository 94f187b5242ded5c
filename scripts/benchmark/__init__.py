"""The bench: slapd and the gateway side by side on one generated directory. `scripts/bench --help` says how to run it.

Read `__main__` (the measurements by name, and the table at the end), `stage` (the servers of one run, started when a row first
asks), `measure` and `table` (rows, medians, Markdown). Servers: `contenders`, `gateway_side`, `peers`, `domain_controller`,
filled by `sample`, kept by `prepared`. Load: `load` runs the generator that is written in C beside it. Rows: `searches`,
`crowds`, `lifecycle`, `domain`, and `internals` (what each part of gateway.twisted_internals buys; it starts the gateway by
`without`). `correlating` is a program of its own. Both sides are measured in turns, and the median counts.
"""
