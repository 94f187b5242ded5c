"""LDAP's own words without its wire: names, schema, matching (RFC 4512, 4514, 4517, 4518).

To read in this order, each importing only modules above it:

- `schema_definitions`, `string_preparation`, `windows_identifiers`, `times`: data and pure functions on text.
- `schema`: attribute types and object classes as values.
- `dn`: distinguished names and their keys.
- `matching_rules`: a value's comparison key under a matching rule.
- `extensible_match`, `syntaxes`: the rules beyond keys; the check of a value against its syntax.

Keys are the one way of comparing: two values match when their keys are equal, a subtree is a range of DN keys. The view stores
them, so a change of a key needs a new view.
"""
