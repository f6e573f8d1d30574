"""What a terminal and what a notebook show of a loop."""
import nbformat
import pytest
import torch
from nbclient import NotebookClient

import clipkit


def outputs_of(code: str) -> list:
    """What one cell leaves when a kernel has run it."""
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(code)])
    NotebookClient(notebook, timeout=120, kernel_name="python3").execute()
    return notebook.cells[0].outputs


def test_it_gives_what_it_is_given(capsys):
    assert list(clipkit.progress([3, 1, 2])) == [3, 1, 2]
    assert list(clipkit.progress(3)) == [0, 1, 2]
    assert len(clipkit.progress(7)) == 7
    assert list(clipkit.progress(iter("ab"))) == ["a", "b"]


def test_a_terminal_sees_it_on_stderr(capsys):
    for _ in (bar := clipkit.progress(3, description="training")):
        bar.show(loss=torch.tensor(0.25), steps=2)
    out, err = capsys.readouterr()
    assert out == ""
    assert "training: 100%" in err and "3/3" in err and "loss 0.25, steps 2" in err


def test_tensors_are_read_only_when_the_bar_is_drawn(capsys):
    class Counted:
        reads = 0

        def __float__(self):
            Counted.reads += 1
            return 0.0

    for _ in (bar := clipkit.progress(10_000)):
        bar.show(loss=Counted())
    assert Counted.reads < 1000


def test_the_graph_is_let_go(capsys):
    bar = clipkit.progress(2)
    bar.show(loss=torch.ones(1, requires_grad=True).sum())
    assert not bar._numbers["loss"].requires_grad
    bar.close()


def test_a_notebook_keeps_one_display_and_nothing_on_stderr():
    code = """
        import time, torch, clipkit
        for step in (bar := clipkit.progress(20, description="<GAN>")):
            time.sleep(0.03)
            bar.show(loss=torch.tensor(1.5))
    """
    (output,) = outputs_of("\n".join(line[8:] for line in code.splitlines()))
    assert output.output_type == "display_data"
    html = output.data["text/html"]
    assert "&lt;GAN&gt;: 20/20 [" in html and "loss 1.5" in html and 'value="20" max="20"' in html
    assert "<script" not in html and "<GAN>" not in html
    assert "20/20" in output.data["text/plain"]


def test_an_error_in_the_loop_is_the_error_that_comes_out(capsys):
    with pytest.raises(ZeroDivisionError):
        for step in clipkit.progress(3):
            1 / step
