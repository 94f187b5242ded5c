"""The program of `scripts/ldap3_suite`. `fetch` gets the tests of ldap3 (LGPL, never part of this project), `world` starts the
servers, `suite_config` stands for the suite's own configuration, `runner` runs it in a process for each server."""
