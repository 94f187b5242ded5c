"""The commands of `gateway`, one file each: words in, words out. The work is done by the parts that they take from app/parts.

`invocation` (the options before the command) and `exit_codes` are what every command has; `reports` finds what people name and
prints what they are shown. Every other module is one command, whose click object is `command`, or a part of one
(`application_secret`, `user_status`); app/cli.py lists the commands by name and imports one when it is called. A command
decides nothing about the directory, and holds the store open no longer than it runs."""
