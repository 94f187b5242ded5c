"""Connectors: one package for each kind of foreign system. They know gateway.model, gateway.wire and gateway.twisted_internals,
and nothing else of the gateway; `app` passes them to `sync` and `directory` by the Protocols of gateway.model.connector.

To read in this order:

- `circuit_breaker`: requests to a system that is down fail at once.
- `reconciliation`: a full read as batches.
- `watched_files`: the files of a file source.
- `ldif`, `csv`: file sources.
- `ldap`: directories, and pass-through authentication.

How the configuration names a kind: gateway/app/connector_kinds, where a new kind begins.

The kinds do not know each other. A connector never writes to the store and never sees a record of another source. What it
cannot read is an error or a delta's `problem`, never an empty result (law 8).
"""
