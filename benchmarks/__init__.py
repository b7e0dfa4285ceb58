"""The figures of the product, measured the same way every time: `python -m benchmarks [NAME…] --json`.

What each figure means, and how it is taken, is in docs/benchmarks.md. The bench makes its own LLRP frames from the
standard's layout; where a rival can run, it runs in the same process on the same frames.
"""
