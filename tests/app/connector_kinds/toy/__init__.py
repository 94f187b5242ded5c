"""A kind of source that only tests know: a roster of login names. One folder, as any kind is; its one line is in the test."""
