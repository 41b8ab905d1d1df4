"""`python -m benchmarks`: measure snapshots beside the code that a user would write instead."""
