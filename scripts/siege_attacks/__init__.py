"""Attacks on a running gateway with its default limits, each beside a probe that measures what its victims notice.

`strangers.py` and `tenants.py` are the attacks (without a bind; with an application's), `probe.py` the victims, `siege.py` one
attack from start to end, `__main__.py` the command and its table."""
