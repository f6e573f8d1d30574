"""That a run can be had again: the same cells in a fresh kernel leave the same bits."""
import pytest
from nbformat import NotebookNode
from nbformat.v4 import new_code_cell

from autograde.writing import reference_run, source

DEFINING = {"locked", "given", "exercise"}  # tags of the cells that later ones stand on
# Memory that nobody has written to holds something else in each run. Here it is one number everywhere in the first run,
# and what others have left in the second: small negative numbers, put there before each film, which x264 may take for motion.
LEFTOVERS = """
import av
import numpy
left, opened = numpy.random.default_rng(0), av.open
def open_among_leftovers(*args, **options):
    [left.integers(-60, 0, size, dtype=numpy.int16) for size in range(500, 50_000, 500)]
    return opened(*args, **options)
av.open = open_among_leftovers
"""


def only(page: NotebookNode, *beginnings: str) -> list[NotebookNode]:
    """The cells of `page` that begin so, and all that they may stand on."""
    cells = [cell for cell in page.cells if cell.cell_type == "code"
             and (DEFINING & {*cell.metadata.get("tags", [])} or cell.source.startswith(beginnings))]
    assert all(any(cell.source.startswith(one) for cell in cells) for one in beginnings)
    return cells


@pytest.mark.parametrize("stem, beginnings, shown", [
    ("01_pipeline", ["folder = Path(mkdtemp())", "raw = [read_video", "steps = clipkit.pick(preset, smoke=4"], "[loss.hex() for loss in losses]"),
    ("02_gan_losses", ["digits = clipkit.digit_images", "rng = torch.Generator().manual_seed(0)\ntorch.manual_seed(0)\ngenerator",
                       "steps = clipkit.pick(preset, smoke=5, cpu=6000", "history = train(", "def walk("], "_._repr_html_()"),
])
def test_a_cell_leaves_the_same_bits_in_every_run(stem, beginnings, shown, monkeypatch):
    """Chapter 1 trains on videos that it has written itself; the README shows the clip of chapter 2."""
    def run(before: str = "") -> dict:
        page = source.page_of(stem)
        page.cells = [new_code_cell(before), *only(page, *beginnings), new_code_cell(shown)]
        return reference_run.execute(page, preset="smoke", threads=1).cells[-1].outputs[0].data

    with monkeypatch.context() as patch:
        patch.setenv("MALLOC_PERTURB_", "85")
        first = run()
    assert run(LEFTOVERS) == first
