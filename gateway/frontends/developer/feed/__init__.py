"""The change feed over HTTP: GET /export for everything, then GET /changes from there on, with long poll.

`json_items` (items and lines as JSON), `feed_token` (the position as a nextToken), `export`, `changes_endpoint`. What is in the
feed, and in which order, is decided in gateway.directory.application_scope.
"""
