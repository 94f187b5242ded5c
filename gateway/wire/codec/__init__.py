"""LDAPMessage ↔ octets.

- `requests`, `responses`: the content of each operation, octets to values; requests are strict, responses lenient.
- `decoder`: the envelope, and the table from tag to reader.
- `encoder`: values to octets, by the table from type to writer.

One function for each operation, found by a table; nothing here keeps state.
"""
