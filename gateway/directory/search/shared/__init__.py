"""State that the searches of one view share: `prepared_plans`, `snapshot_pool` and `visibility_cache`. Each is bounded, since
clients choose what is kept."""
