"""`python -m benchmarks`."""

from .commands import main

main(prog_name="python -m benchmarks")
