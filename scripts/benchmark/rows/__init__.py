"""The measurements, each a function that takes the Stage and yields its rows.

`searches` (one question over and over), `writes`, `crowds` (other clients at the same time), `lifecycle` (start, change,
memory), `domain` (Active Directory as a source), `internals` (the parts of gateway.twisted_internals).
"""
