"""The program: the configuration becomes parts, the parts are joined once, on one screen, and started and stopped in order.

Read it in this order, each package importing only from those before it (setup.cfg holds it):

1. `value_types`, `configured_secrets`: the single values of the configuration file.
2. `process`: what a process needs of its system: log lines, data directory, certificates, notifications to systemd.
3. `connector_kinds`: the kinds of sources, each with its table and the makers of its parts; one registry.
4. `config`: gateway.toml, the environment and the command line as one frozen value, or as all complaints at once.
5. `parts`: the parts that more than one process or command makes: the store, the parts of a source, the LDAP server.
6. `workers`: processes that serve LDAP beside the primary one.
7. `listeners`: listening ports.
8. `wiring`: the whole program, top to bottom. Every part is made there or by what it calls, and introduced to the others there.
9. `service`: `gateway serve` as a process: start and stop order, signals.
10. `commands`, `cli`: the command line.

No part looks for another one by itself, and no object that has them all is passed around: a constructor names what it needs. A
command imports only what it needs, so that `gateway --version` and `gateway status` do not wait for what `serve` needs.
"""
