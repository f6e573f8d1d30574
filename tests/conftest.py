"""For all tests: one thread a process (two processes share two cores), no display, GPU tests only where there is one."""
import os

os.environ["OMP_NUM_THREADS"] = "1"  # kernels and children inherit it
os.environ["MPLBACKEND"] = "agg"

import pytest
import torch

torch.set_num_threads(1)


def pytest_collection_modifyitems(items):
    if torch.cuda.is_available():
        return
    for item in items:
        if "gpu" in item.keywords:
            item.add_marker(pytest.mark.skip(reason="needs a CUDA device; the workflow gpu.yml runs it"))
