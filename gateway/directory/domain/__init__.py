"""The ways of Active Directory that have no place in LDAP's own model, for views of kind `ad`. Nothing here searches.

attribute_options: ranges of values. ambiguous_names: filters by any name. alternative_names: names that are no DNs. tombstones:
what is gone, out of the view's history. The attributes that it constructs are in directory/search/domain_values.py.

What a party could not see has no tombstone and no name here."""
