"""The output of commands, and the names that people type. A report is made twice from the same values: in words, and as JSON.

Read `output` first (JSON, tables, progress), then the lookups `chosen_sources`, `name_lookup`, `operator_name` and `duration`,
then the reports: `record_format` (records), `account_report` (a user's account), `application_report`, `leaver_report` and
`posix_report` (parts of `gateway status`), `problem_report` and `run_history` (its `--problems` and `--runs`), `run_report`
(runs), `lockout_comparison` (part of `gateway check`), and `audit_line`, what a command that changed something leaves in the
log. The JSON of records is that of the admin API. Nothing here writes to the store."""
