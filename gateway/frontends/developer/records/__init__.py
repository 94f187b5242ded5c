"""The API's records and the ways to ask for them.

`json_records` (users, units and groups as JSON), `next_token` (sealed positions), `entity_tag` (If-Match), `caller` (the
application that asks, and the view that an operation is given), `pagination` (lists in both paging styles). Nothing here reads
the store.
"""
