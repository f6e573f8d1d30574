"""Winnowing on answers: renamed and reordered copies are found, honest likeness is not, and the numbers are right."""
import inspect
import math
import random
import textwrap

import pytest

from autograde.grading import similar
from autograde.writing import answers as reference
from tests.answers import gan_losses as given

STUB = "def entropy(weights):\n    raise NotImplementedError  # your code here\n"
ORIGINAL = '''
def entropy(weights):
    """In bits."""
    weights = weights.flatten()
    total = weights.sum()   # normalise first
    kept = weights[weights > 0] / total
    surprise = -torch.log2(kept.clamp(min=1e-12))
    pieces = [float(p * s) for p, s in zip(kept, surprise)]
    pieces.sort(key=abs, reverse=True)
    result = math.fsum(pieces)
    return torch.tensor(max(0.0, result))
'''
RENAMED = '''
def entropy(w):
    w = w.flatten()
    # I divide by the sum
    Z = w.sum()
    q = w[w > 0] / Z

    bits = -torch.log2(q.clamp(min=1e-12))
    parts = [float(a * b)
             for a, b in zip(q, bits)]   # small ones last
    parts.sort(key=abs, reverse=True)
    out = math.fsum(parts)
    return torch.tensor(max(0.0, out))
'''
OTHERS = ["def entropy(w):\n    p = w / w.sum()\n    return -(p * p.log2()).nansum()",
          "def entropy(w):\n    return torch.distributions.Categorical(probs=w.flatten()).entropy() / math.log(2)",
          "def entropy(w):\n    p = w / w.sum()\n    return -torch.special.xlogy(p, p).sum() / math.log(2)",
          "def entropy(w):\n    h = 0\n    for x in w.flatten():\n        if x > 0:\n            h -= x / w.sum() * torch.log2(x / w.sum())\n    return h"]


def class_of(*sources):
    return {f"student {i}": {"entropy": source} for i, source in enumerate(sources)}


def test_a_renamed_copy_with_other_comments_is_found_with_its_lines():
    (pair,) = similar.pairs(class_of(ORIGINAL, *OTHERS, RENAMED), {"entropy": [STUB]})
    assert (pair.left, pair.right) == ("student 0", "student 5") and pair.tokens > 60
    lines = {n for piece in pair.pieces for n in range(piece.left[0], piece.left[1] + 1)}
    assert {5, 6, 7, 8, 9, 10} <= lines
    assert max(piece.right[1] for piece in pair.pieces) <= len(RENAMED.splitlines())


def test_functions_in_another_order_are_found():
    parts = ORIGINAL.strip().replace("entropy", "first"), RENAMED.strip().replace("entropy", "second").replace("log2", "log10")
    pairs = similar.pairs(class_of("\n\n".join(parts), *OTHERS, "\n\n".join(parts[::-1])), {"entropy": [STUB]})
    assert [(p.left, p.right) for p in pairs] == [("student 0", "student 5")]


def test_independent_answers_are_not_listed():
    assert similar.pairs(class_of(ORIGINAL, *OTHERS), {"entropy": [STUB]}) == []


def test_right_answers_of_our_own_tests_are_not_listed(desk):
    found = {}
    for exercise, by_name in given.RIGHT.items():
        for name, answer in by_name.items():
            if inspect.isfunction(answer):
                found.setdefault(name, {})[exercise.rpartition(".")[2]] = textwrap.dedent(inspect.getsource(answer))
    assert len(found) > 5
    assert similar.pairs(found, {e.name: [reference.model(e.answer)] for e in desk.chapter.exercises}) == []


def test_what_everybody_may_have_does_not_count():
    assert similar.pairs(class_of(ORIGINAL, *OTHERS, RENAMED), {"entropy": [STUB, ORIGINAL]}) == []


def test_what_half_the_class_has_does_not_count():
    assert similar.pairs(class_of(*[ORIGINAL] * 4, *OTHERS), {"entropy": [STUB]}) == []


def test_bits_of_one_shared_piece():
    """log2(N) for a piece that two have, for every SPAN tokens; winnowing keeps 2 / (WINDOW + 1) of the places."""
    draw = random.Random(0)
    words = ["".join(draw.choices("abcdefgh", k=6)) for _ in range(1200)]
    prose = {f"s{i}": {"essay": " ".join(draw.choices(words, k=300))} for i in range(16)}
    shared = " ".join(draw.choices(words, k=240))
    prose["s3"]["essay"] += " " + shared
    prose["s7"]["essay"] = shared + " " + prose["s7"]["essay"]
    (pair,) = similar.pairs(prose, {"essay": []})
    assert (pair.left, pair.right) == ("s3", "s7") and pair.tokens == pytest.approx(240, abs=16)
    assert pair.bits == pytest.approx(math.log2(16) * 240 / similar.SPAN, rel=0.15)


def test_winnowing_finds_every_run_that_is_long_enough():
    """The guarantee of the paper: a common run of SPAN + WINDOW - 1 tokens shares a fingerprint, wherever it stands."""
    draw = random.Random(1)
    for _ in range(50):
        common = " ".join(f"c{draw.random()}" for _ in range(similar.SPAN + similar.WINDOW - 1))
        left, right = (" ".join(f"{side}{draw.random()}" for _ in range(draw.randrange(40))) + " " + common + " tail " + side
                       for side in "lr")
        assert similar.fingerprints(left).places.keys() & similar.fingerprints(right).places.keys()


def test_tokens_forget_names_of_their_own_and_keep_those_of_others():
    read = [word for word, _ in similar.tokens("def f(x):\n    'doc'\n    y = torch.relu(x)  # note\n    return y + len(x)")]
    assert "".join(read) == "defname(name):name=torch.relu(name)returnname+len(name)"


@pytest.mark.parametrize("source", ["", "def f(", "\x00", "(" * 5000, "ein Satz ohne Code"])
def test_any_text_can_be_read(source):
    similar.fingerprints(source)
