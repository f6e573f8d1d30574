"""Answers and the stubs that are left of them."""
import pytest

from autograde.writing import answers, chapter
from autograde.writing.answers import SourceError, model, stub

FENCED = "def f(x):\n    y = 1\n    # BEGIN SOLUTION\n    return x + y\n    # END SOLUTION"
BROKEN = "def f(x):\n    # BEGIN SOLUTION\n    y = -x\n    # STUB y = x\n    # END SOLUTION\n    return y"


def test_an_empty_fence_asks_for_code():
    assert stub(FENCED) == "def f(x):\n    y = 1\n    raise NotImplementedError  # your code here"
    assert model(FENCED) == "def f(x):\n    y = 1\n    return x + y"


def test_a_stub_line_stands_in_for_the_answer():
    assert stub(BROKEN) == "def f(x):\n    y = x\n    return y"
    assert model(BROKEN) == "def f(x):\n    y = -x\n    return y"
    assert answers.answer_lines(BROKEN) == ["y = -x"]


def test_lines_of_any_program_give_nothing_away():
    fenced = "def f(x):\n    # BEGIN SOLUTION\n    if x:\n        raise ValueError(\n            x)\n    else:\n" \
             "        return -x\n    # END SOLUTION"
    assert answers.answer_lines(fenced) == ["if x:", "x)", "return -x"]


def test_a_fence_may_close_behind_the_last_line_of_a_function():
    assert stub(answers.answer("dcgan", "Generator")).count(answers.MARKER) == 2


def test_an_unfenced_function_is_fenced_below_its_docstring():
    source = answers.answer("gan_losses", "generator_loss")
    assert stub(source).rstrip().endswith("raise NotImplementedError  # your code here")
    assert '"""' in stub(source)
    assert "softplus" not in stub(source)


def test_what_a_module_takes_from_another_is_found_there():
    assert answers.answer("models.latent_gan", "perceptron") == answers.answer("networks.perceptron", "perceptron")


def test_names_that_are_missing_are_named():
    with pytest.raises(SourceError, match="defines no 'generator_los'"):
        answers.answer("gan_losses", "generator_los")
    with pytest.raises(SourceError, match="no solutions/nothing.py"):
        answers.answer("nothing", "x")
    with pytest.raises(SourceError, match="not a plain string"):
        answers.text("gan_losses", "train")


@pytest.mark.chapter("notebook")
@pytest.mark.parametrize("stem", chapter.stems())
def test_every_stub_is_made_of_lines_of_its_answer(stem):
    for exercise in chapter.load(stem).exercises:
        if exercise.kind == "written":
            continue
        kept = {line.strip() for line in stub(exercise.answer).split("\n")}
        own = {line.strip() for line in model(exercise.answer).split("\n")} | {answers.MARKER}
        own |= {line.strip()[len(answers.STUB):].strip() for line in exercise.answer.split("\n")
                if line.strip().startswith(answers.STUB)}
        assert kept <= own
        compile(stub(exercise.answer), exercise.id, "exec")
