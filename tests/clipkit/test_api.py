"""The names that chapters and student notebooks rely on."""

import subprocess
import sys

import clipkit

PUBLIC = """
    Checkpoint ClipFolder ClipSet LPCSprites MovingDigits Picture Player SteeredWalkers Walkers device digit_images figure
    figure_frame film_strip image_grid online pick play preset progress read_video write_video
""".split()


def test_the_public_names_are_these():
    assert clipkit.__all__ == PUBLIC
    assert all(getattr(clipkit, name).__doc__ for name in PUBLIC)


def test_import_loads_nothing_heavy_beside_torch():
    code = "import clipkit, sys; print({'av', 'sklearn', 'matplotlib', 'torchvision'} & set(sys.modules))"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stdout == "set()\n"
