"""The state and the words of a visible check, from the outputs of its cell."""
from autograde.grading import visible


def error(name, words):
    return {"output_type": "error", "ename": name, "evalue": words}


def test_states():
    printed = {"output_type": "stream", "name": "stdout", "text": "Right."}
    assert visible.said([printed]) == (visible.PASSED, "")
    assert visible.said([printed, error("AssertionError", "signs?")]) == (visible.FAILED, "signs?")
    assert visible.said([error("NameError", "name 'x'")]) == (visible.FAILED, "NameError: name 'x'")
    assert visible.said([error("NotImplementedError", "")]) == (visible.NOT_WRITTEN, "")
    assert visible.said(None) == (visible.FAILED, "the check did not run")
