"""The inbound mapping: a source's entry becomes a Delta in the gateway's attribute names. Pure; on the hot path of bulk reads.

- `defaults`: the attributes that directories usually have.
- `values`: octets to texts and references, with a warning for each value that is left out.
- `inbound`: the mapping of one kind, compiled once for each shape of entry.

An attribute that was requested and did not arrive is empty and clears; one whose values are all unusable is left out (law 9).
"""
