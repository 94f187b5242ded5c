"""gateway.toml, the environment and the command line as one frozen value, or as all complaints at once.

Read it in this order:

1. `file_location`: where the file is. Alone, because `gateway --help` names the places and must not wait for pydantic.
2. The tables, pydantic models of which each knows its keys, their defaults and their rules: `listener_tables`, `posix_table`,
   `view_tables`, `authority_table`. Those of sources are in gateway.app.connector_kinds, single values in
   gateway.app.value_types.
3. `settings`: the whole file, and the rules that concern several tables; `password_sources`: whose password counts.
4. `key_lines`, `complaints`: pydantic's errors as sentences that name file, line, table, key and cure.
5. `document`: the file's tables with the environment and the command line over them.
6. `name_warnings`, `exposure_warnings`: legal, but looks like a slip; legal, but others may read it.
7. `loader`: all of this in one call.

Nothing here makes a part, opens the store or listens. No complaint and no repr shows a secret. conf/gateway.toml documents
every key, and a test holds it complete and its commented defaults true.
"""
