"""`python -m benchmarks`: what a snapshot costs, next to what a user would write instead."""
