"""The expression language of mappings and correlation rules. Pure; an expression is compiled once and then raises nothing.

- `parser`: text to a tree; errors name the column and the cure.
- `regex_replace`: regular expressions in linear time (RE2).
- `functions`: the tree as closures; the table of functions.
- `expression`: the language's description, and `compile`.

No loops, no I/O, bounded sizes: an administrator's expression cannot stop or slow a run without limit.
"""
