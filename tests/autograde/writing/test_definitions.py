"""What decides a number, definition by definition."""
import pytest

from autograde.writing import definitions, dependencies
from autograde.writing.answers import SourceError
from autograde.writing.definitions import digest, of_page, part

CODE = '''
"""A module."""
import math
from statistics import mean, median

import torch

TIMES = 3  # a comment
other = 5


def half(x):
    """Half."""
    def inner(y):
        return y / 2 * TIMES
    other = inner(x)
    return other


def area(r):
    return math.pi * half(r)


rows = {}
rows["a"] = half
for other in range(10):
    print(median([other]))
'''


def test_a_part_holds_what_its_names_use_and_nothing_else():
    lines = part(CODE, ("area",)).split("\n")
    assert lines[:2] == ["import math", "TIMES = 3"]
    assert "def half(x):" in lines and not any(word in part(CODE, ("area",)) for word in ("Half.", "mean", "torch", "comment", "other = 5"))


def test_what_changes_a_name_belongs_to_it():
    assert 'rows["a"] = half'.replace('"', "'") in part(CODE, ("rows",)) and "def half" in part(CODE, ("rows",))


def test_a_part_runs_by_itself():
    space = {}
    exec(part(CODE, ("area",)), space)
    assert space["area"](2) == pytest.approx(9.42478, abs=1e-4)


def test_a_name_that_is_not_there_is_an_error():
    with pytest.raises(SourceError, match="a definition of volume at top level"):
        part(CODE, ("area", "volume"))


@pytest.mark.parametrize("old, new, same", [
    ("# a comment", "# another", True), ('"""Half."""', '"""One half."""', True), ("other = 5", "other = 6", True),
    ("median([other])", "mean([other])", True), ("TIMES = 3", "TIMES = 4", False), ("y / 2", "y / 3", False)])
def test_the_digest_follows_what_decides(old, new, same):
    assert old in CODE and (digest(CODE, "area") == digest(CODE.replace(old, new), "area")) == same


def test_the_digest_follows_what_is_imported_from_the_course(monkeypatch, tmp_path):
    """By definitions, through files, and down to trained weights."""
    (tmp_path / "solutions").mkdir()
    (tmp_path / "solutions" / "__init__.py").write_text("")
    (tmp_path / "clipkit").mkdir()
    (tmp_path / "clipkit" / "__init__.py").write_text("from clipkit.sizes import size\n")
    files = {name: tmp_path / name for name in ("solutions/a.py", "clipkit/sizes.py", "solutions/weights/w.safetensors")}
    files["solutions/weights/w.safetensors"].parent.mkdir()
    monkeypatch.setattr(dependencies, "ROOT", tmp_path)

    def after(**changed):
        texts = {"a": "import clipkit\n\n\ndef f():\n    return clipkit.size(), 'w.safetensors'\n\n\ndef g():\n    return 1\n",
                 "sizes": "def size():\n    return 3\n", "w": "weights"} | changed
        for path in files.values():
            path.write_text(texts[path.stem])
        dependencies._exports.cache_clear()
        return digest("from solutions.a import f\n\n\ndef measure():\n    return f()\n", "measure")

    first = after()
    assert after(a="import clipkit\n\n\ndef f():\n    return clipkit.size(), 'w.safetensors'\n") == first  # g is nobody's
    assert after() == first
    assert len({first, after(sizes="def size():\n    return 4\n"), after(w="other"), after(a="def f():\n    return 0\n")}) == 4
    dependencies._exports.cache_clear()


def test_a_page_gives_its_definitions_and_computes_nothing(monkeypatch):
    code = "import math\n\nRADIUS = 2\n\n\ndef area():\n    return math.pi * RADIUS\n\n\nraise AssertionError('the page runs')\n"
    monkeypatch.setattr(definitions, "page_code", lambda stem: code)
    assert of_page("any", "area").area() == pytest.approx(6.2832, abs=1e-4)
    call = 'def measure():\n    return of_page("any", "area").area()\n'
    first = digest(call, "measure")
    monkeypatch.setattr(definitions, "page_code", lambda stem: code.replace("AssertionError", "ValueError"))
    assert digest(call, "measure") == first
    monkeypatch.setattr(definitions, "page_code", lambda stem: code.replace("= 2", "= 3"))
    assert digest(call, "measure") != first


def test_a_chapters_functions_are_there_with_the_answers_in_them():
    page = of_page("05_stability", "ring_numbers", "centres")
    assert page.ring_numbers(page.centres) == (pytest.approx(8, abs=1e-3), 1.0)
