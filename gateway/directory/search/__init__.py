"""Searching a view through an access: a query becomes encoded entries. Nothing here waits or knows a connection.

Read in this order: filter_evaluator and entry_values (a filter evaluated on one entry in memory) → visible_rows with
group_names, domain_values and extended_names (rows as one party sees them) and attribute_selection (the bytes that are sent of
a row) → query and sort_keys → shared (what the searches of a view share), view_reader (all
reading of one file) → view_searcher (a view as one party sees it) → search (at once, or in slices), sorted_search (in an
order), deleted_search (with tombstones), direct_plan (one statement, for the fast path).

A row must never leave this package past VisibleRows, unless the access is to everything."""
