"""For tests of a limit in wall time: such a limit is multiplied by how much the machine is busy with other things."""
import os
import time

WORK = 0.1  # seconds of processor time


def slowdown() -> float:
    """How many times longer a piece of work takes now than where nothing else computes: between 1 and 6."""
    began, computed = time.monotonic(), time.process_time()
    while time.process_time() - computed < WORK:
        pass
    waited = (time.monotonic() - began) / WORK
    return min(6.0, max(1.0, waited, os.getloadavg()[0] / (os.cpu_count() or 1)))
