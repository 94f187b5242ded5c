"""The load generator, written in C so that it never is the slower side, and `load`, which compiles and runs it."""
