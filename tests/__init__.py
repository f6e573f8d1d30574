"""The tests mirror the code: tests/clipkit, tests/solutions, tests/autograde, tests/book, tests/benchmarks."""
