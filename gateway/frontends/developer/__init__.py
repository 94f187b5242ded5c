"""The Developer API: `/v2/{instanceId}/{applicationId}/…`, the words of the modelled service over the directory.

Read `records` (JSON records, tokens, the caller, pages), `operations` (what reads, and what writes users, units and groups;
passwords), `feed` (GET /changes and /export), `oauth` (client credentials), and `routes` (all of it in one table).

Only words are here: paths, parameters, JSON, tokens, statuses. What an application may see, and how its feed stays exact, is
gateway.directory.application_scope; no module here reads the store's objects itself; what it may write is
gateway.frontends.scoped_writes.
"""
