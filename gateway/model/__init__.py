"""The model: the gateway's values, and the Protocols by which sync, directory and connectors meet.

To read in this order, each importing only packages above it:

- `errors`, `backoff`, `bounded_cache`, `printable_text`, `trusted_networks`: no knowledge of the domain.
- `organization_path`: paths of organizations as people write them.
- `ldap`: the standards' own words: DN, schema, matching rules.
- `certificate_names`: names of client certificates, by type.
- `objects`: User, Organization, Group and their attributes' shapes.
- `records`: the statement of one source about one object, and its link.
- `attributes`, `deltas`, `changes`, `edits`, `applications`, `runs`: attribute names, a source's reports, the log's changes,
  requested edits, readers of the gateway, runs of a source.
- `expressions`, `connector`, `jit`: the expression language; the Protocols.
- `mapping`: from a source's entry to a Delta.

Nothing here does I/O, waits, logs or knows a library (beside RE2 and anyascii, for expressions). All values are frozen.
"""
