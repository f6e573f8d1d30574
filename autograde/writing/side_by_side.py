"""Runs pages with code, as many side by side as the machine has cores and memory for."""
from __future__ import annotations

import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor, as_completed

from nbformat import NotebookNode

from . import reference_run, source

MEMORY_A_PAGE = 3 * 2**30  # bytes; the hungriest chapter takes 2.4 GB


def run_all(stems: list[str], preset: str, jobs: int | None = None) -> Iterator[tuple[str, NotebookNode | BaseException]]:
    """Yield each page, executed, as it ends; in its place the error of one that failed.

    Args:
        jobs: how many run at once, each with its share of the cores; None is what the machine has room for.
    """
    jobs = max(1, min(jobs or room(), len(stems)))
    threads = max(1, (os.cpu_count() or 1) // jobs) if jobs > 1 else None
    pool = ThreadPoolExecutor(jobs)  # each thread waits for a kernel, which is a process of its own
    running = {pool.submit(reference_run.execute, source.page_of(stem), preset=preset, threads=threads): stem
               for stem in longest_first(stems)}
    try:
        for ended in as_completed(running):
            yield running[ended], ended.exception() or ended.result()
    finally:
        pool.shutdown(cancel_futures=True)


def room() -> int:
    """How many pages fit this machine at once."""
    if not hasattr(os, "sysconf"):
        return 1
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return max(1, min(os.cpu_count() or 1, memory // MEMORY_A_PAGE))


def longest_first(stems: list[str]) -> list[str]:
    """So that the last to end does not end alone: by what the stored runs took, unknown ones in front."""
    def seconds(stem: str) -> float:
        run = reference_run.load(stem)
        return run.notebook.metadata["reference_run"]["seconds"] if run else float("inf")

    return sorted(stems, key=seconds, reverse=True)
