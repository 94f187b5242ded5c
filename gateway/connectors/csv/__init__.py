"""The source of kind `csv`: an export of a personnel system, one person to a row.

To read in this order, each importing only modules above it:

- `settings`: format and columns.
- `parser`: lines to rows; a broken row costs no other.
- `people`: rows with ids, organization paths and group names.
- `to_deltas`: two passes, from people to deltas.
- `source`: the Source.

A broken row never deletes its person: it is kept aside with a problem that names file and line.
"""
