"""Readers of a domain's changes: `tracker` is the interface, `dirsync` and `usn` implement it; `watermark` is the
position in one controller's database; `notification` has the changes that a controller announces, `hidden_deletions` the
deletions that it does not show."""
