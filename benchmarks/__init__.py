"""What is measured of this project. Each module is one command, `python -m benchmarks.NAME`; figures are kept in figures/."""
