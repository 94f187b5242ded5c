"""The source of kind `active_directory`, for domain controllers of Windows and Samba.

To read in this order, each importing only modules above it:

- `windows_values`, `settings`: values as the controller writes them; the configured scope.
- `controller`: the identity of the controller behind a session.
- `entry_to_delta`: one entry as a delta, with identity, scope and account status.
- `changes`: how changes are learned, the position up to which they are, and deletions that are not reported.
- `reading_in_words`: the ways of reading, said in words.
- `entry_search`, `reader`: reading entries, with members in ranges and primary groups.
- `account_expiry`: changes that the controller does not report.
- `lockout_policies`: the rules by which the domain locks accounts.
- `check`: the items of `gateway check`.
- `session_read`, `source`: one read on one session; the Source.

Decisions:

- A change set only names entries; they are read again before they are reported. A change shows some attributes of an entry,
  and scope and filter need all of them.
- DirSync where the account has the right "Replicating Directory Changes", else uSNChanged: both follow the notifications, and
  are read every `poll_seconds` besides. Neither right is one to be shown deleted objects. Where none are shown, deletions are
  found by comparing what is listed, as often as a tenth of the time allows.
- A watermark is bound to the invocationId of a controller's database: USNs and cookies mean nothing to another controller.

The clock is handed in; no module here reads the time of day by itself but `source.present_time`.
"""
