"""Imported once by the process from which those of the submissions are forked, and by no other."""
import atexit
import os

# For every submission alike; before torch and matplotlib are imported. No GPU: a fork cannot share one.
os.environ.update(CLIPKIT_PRESET="smoke", MPLBACKEND="agg", OMP_NUM_THREADS="1", CUDA_VISIBLE_DEVICES="")

from .child import main, warm_up  # noqa: E402

warm_up()
atexit.register(os._exit, 0)  # there is nothing to tidy up, and libraries would print what they leak
__all__ = ["main"]
