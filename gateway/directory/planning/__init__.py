"""Planning a search: a filter becomes SQL over the view file. Pure, but for reading the catalogue.

Read in this order: filter_shape (filter → shape and keys) with kind_constants (assertions that an entry's kind decides) →
catalogue (the statistics that costs are estimated by) → plan_nodes (the SQL of a part, and And, Or, Not of parts), value_nodes,
member_nodes → sql_planner (shape → plan).

A plan must find every entry that matches; one that may find others is marked inexact, and then each row is evaluated in memory.
A shape must never hold a value that a client makes up: shapes are kept."""
