"""The directory as one application may see it: the reading logic of every face that serves applications beside LDAP.

Read in this order: `readable_attributes` (which attributes an application is granted), `scoped_directory` (objects and members
narrowed to its scope), `listings` and `lookups` (the questions a face asks of them), `position`, `past_scope` and `change_feed`
(the feed of changes, exact over moves of the tree), `snapshot` (everything at once, to go on from with the feed).

A face turns these values into its own words: paths, JSON, tokens. Nothing here knows HTTP, and nothing here writes. Whatever
lies outside the scope answers NotFound in the words of what does not exist.
"""
