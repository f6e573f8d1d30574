"""The debugging guide: it shows a run of every illness that `health` can name, and its tests find what they look for."""
import re

import pytest

from autograde.writing import reference_run
from solutions.measures.health import ADVICE

from .test_article import BOOK, PAGES

TREE = (BOOK / "assets" / "diagrams" / "is-my-gan-healthy.svg").read_text(encoding="utf-8")
GUIDE = PAGES["debugging_guide.md"]
FAULTS = "detach|zero_grad|label|optimiser|training mode|batch norm over|[0, 1]|T and C|flicker|create_graph|penalised"


@pytest.fixture(scope="module")
def printed() -> str:
    """What the page's cells print."""
    run = reference_run.load("debugging_guide").notebook
    return "".join(out.text for cell in run.cells for out in cell.get("outputs", []) if out.output_type == "stream")


@pytest.mark.parametrize("name", ADVICE)
def test_every_diagnosis_is_drawn_and_shown_by_a_run(name, printed):
    assert f">{name.replace('discriminator', 'D')}<" in TREE
    assert f"{name}: " in printed


def test_every_wrong_line_of_code_differs_from_the_right_one(printed):
    pairs = re.findall(r"^(?:wrong|batch norm): (.+)\n(?:right|none): (.+)$", printed, re.M)
    assert len(pairs) >= 8
    assert all(wrong != right for wrong, right in pairs)


@pytest.mark.parametrize("fault", FAULTS.split("|"))
def test_every_silent_fault_has_a_row_with_a_test_and_a_chapter(fault):
    table = GUIDE.partition("## Faults that say nothing")[2]
    assert any(fault in row and "](#t-" in row and "_" in row.rsplit("](", 1)[1] for row in table.splitlines()
               if row.startswith("|"))
