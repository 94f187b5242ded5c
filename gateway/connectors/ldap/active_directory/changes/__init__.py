"""How changes of a domain are learned: `tracker` is the interface, `dirsync` and `usn` implement it; `watermark` is the
position in one controller's database; `notification` has the changes that a controller announces, `hidden_deletions` the
deletions that it does not show."""
