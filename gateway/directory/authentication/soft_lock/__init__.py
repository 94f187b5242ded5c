"""The soft lock on names after wrong passwords: `lock` (in memory), and with the store `shared` (by all nodes) and `shown` (to
administrators)."""
