"""Review: an administrator looks at records and objects, and decides.

- review_queue: records with their objects, candidates and earlier decisions. Reads only.
- explanation: the sources and rules behind each attribute of an object. Reads only.
- link_decisions: link, unlink, split, withdraw, merge; each decision is kept and outlives its record.
- merge: what goes over from one object to the other beside its records.
"""
