"""What travels with a probe, and what may not."""
import subprocess
import sys

import pytest

from autograde import checks
from autograde.checks import Subject
from autograde.checks import subject as subject_module
from autograde.checks.probe import ProbeError, prepare, source_of

SECRETS = ("solutions", "autograde", "hint", "points", "assert_close", "Wrong", "reference", '"""')


@pytest.mark.chapter("answers")
@pytest.mark.parametrize("chapter", checks.chapters())
def test_every_probe_of_a_chapter_can_travel_and_tells_nothing(chapter):
    module = checks.load(chapter)
    for name in prepare(module):
        source = source_of(getattr(module, name))
        assert not [secret for secret in SECRETS if secret in source], name
        defined = {}
        exec(source, defined)  # it needs nothing around it
        assert callable(defined[name])


def test_those_of_a_subject_travel():
    assert prepare(subject_module) == ["call", "call_method", "get_attribute", "get_weights", "next_ones", "set_weights"]


MODULE = '''
"""Checks."""
from __future__ import annotations
import math
from collections.abc import Callable
import torch.nn.functional as F
from solutions import gan_losses as reference
from . import assert_close

SCALE = math.pi
SECRET = 7

class Helper:
    """Its words stay."""
    def scaled(self, x): return SCALE * x

def inner(x: Callable) -> reference:
    """So do these."""
    return Helper().scaled(x)

def good(thing, x): return inner(thing(x))
def names_the_answer(thing, x): return reference.train
def names_it_two_steps_away(thing, x): return names_the_answer(thing, x)
def imports_the_answer(thing):
    from solutions.gan_losses import train
    return train
def names_a_tool(thing): assert_close(thing, 1)
def outer():
    def inner_one(thing): return thing
    return inner_one
'''


@pytest.fixture(scope="module")
def module(tmp_path_factory):
    import importlib.util
    path = tmp_path_factory.mktemp("checks") / "made_up_checks.py"
    path.write_text(MODULE.replace("from . import", "from autograde.checks import"))
    spec = importlib.util.spec_from_file_location("made_up_checks", path)
    sys.modules["made_up_checks"] = made = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(made)
    yield made
    del sys.modules["made_up_checks"]


def test_what_a_probe_names_travels_and_nothing_else(module):
    source = source_of(module.good)
    for gone in ("SECRET", "reference.", "solutions", "words stay", "So do", "assert_close", "import torch"):
        assert gone not in source
    code = source + "\nprint(good(lambda x: x + 1, 1) / math.pi)"
    done = subprocess.run([sys.executable, "-I", "-c", code], capture_output=True, text=True)
    assert done.stdout == "2.0\n", done.stderr


@pytest.mark.parametrize("name", ["names_the_answer", "names_it_two_steps_away", "imports_the_answer", "names_a_tool"])
def test_what_must_stay_outside_is_refused(module, name):
    with pytest.raises(ProbeError, match=f"the probe {name} needs .*must stay outside"):
        source_of(getattr(module, name))


@pytest.mark.parametrize("probe", [lambda thing: thing, len, print], ids=["lambda", "built-in", "print"])
def test_a_probe_is_a_function_at_the_top_of_its_module(probe, module):
    for one in (probe, module.outer()):
        with pytest.raises(ProbeError, match="must be a function at the top of its module"):
            Subject(1).probe(one)


def test_a_mistake_of_ours_is_no_students_fault(module):
    check = checks.Check("gan_losses.train", "a title", 1, "a hint", lambda subject, draw: subject.probe(module.names_the_answer, 1))
    with pytest.raises(ProbeError):
        checks._run_one(check, Subject(1), 0, set())
