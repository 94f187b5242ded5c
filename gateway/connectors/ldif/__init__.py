"""The source of kind `ldif`: directory exports (RFC 2849).

- `parser`: lines to records; pure.
- `source`: settings and the Source, which compares whole files.

Change records are refused: a source says what is present, and the reconciliation finds what has changed.
"""
