"""`python -m benchmarks`."""

from .commands import main

# Measuring memory starts processes that import this module again.
if __name__ == "__main__":
    main(prog_name="python -m benchmarks")
