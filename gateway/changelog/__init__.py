"""Floor 2: the change log as its readers follow it, the only link between what comes in and what goes out (law 4).

`tail` gives the changes after a number and waits for them: it wakes on commits of this process, on notices of other nodes, and
polls each second, because notices may be lost. `consumer` is a named reader with a stored position on top of it: every change
in order, at least once, with back-off. Neither knows what the changes are for, and neither writes one."""
