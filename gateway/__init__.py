"""Directory Gateway: one trusted place for identities (see README.md; the floors of this package are in setup.cfg)."""

__version__ = "0.1.0"
