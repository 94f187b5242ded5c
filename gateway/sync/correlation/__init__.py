"""Correlation: the object of each record that has none, and the keys by which both are found.

Read in this order:
- organization_parents: the organization above a record that is not stored yet, for rules by path.
- record_keys: the keys under which rules look for a record's object.
- candidates: the objects that may be a record's, by the rules of all sources.
- standing_disputes: the records that stay disputed although the values of others have changed.
- correlator: decides between candidates, an object of its own, and waiting for an administrator.
- returning_leavers: where the source says so, a record with the login name of one of its leavers takes the leaver's place.
- replaced_records: records that are gone while others of their source take their place, which are no deletions.
- login_names: one holder for each login name; the records of others are disputed.
- resolution: the stage; correlation and resolution of attributes in turns. The only stage that changes records under work.
- key_index: the stages that keep the stored keys of records and objects.
- object_descriptions: objects in words, for sentences.

Must never be: a guess between two candidates (law 10).
"""
