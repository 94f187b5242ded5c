"""Parts for SQLite alone: `direct_statements` (past SQLAlchemy's work per run), and reads in the reactor's thread:
`inline_reads` (one statement), `bounded_reads` (several, ended when they are long)."""
