"""Places to look at: pieces of answers that two submissions share and hardly anyone else has.

Each answer becomes a stream of tokens without comments, docstrings and layout, in which every name that the answer
itself defines is the same (renaming changes nothing); its fingerprints are hashes of `SPAN` tokens in a row, chosen by
winnowing (Schleimer, Wilkerson and Aiken 2003, "Winnowing: Local Algorithms for Document Fingerprinting"), so any common
run of SPAN + WINDOW - 1 tokens is found wherever it stands. What was handed out, and what the reference answers say, is
taken away. The rest is weighed by surprise: a piece that n of N submissions have is worth log2(N / (n - 1)) bits for
every SPAN tokens. Chance alone gives a pair `bits` with a probability of about 2 ** -bits, if pieces fell independently,
which they do not quite: people were in the same lecture. So this names nobody; it says where a person may look.
"""
from __future__ import annotations

import ast
import builtins
import io
import itertools
import keyword
import math
import tokenize
import zlib
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

SPAN, WINDOW = 12, 4        # tokens of a fingerprint, and of the stretch in which one is kept
DENSITY = 2 / (WINDOW + 1)  # fingerprints a token, as expected of winnowing
MARGIN = 4.0                # bits above what the most alike of so many pairs has by chance
MIN_TOKENS = 30             # of all pieces of a pair; less is what honest short answers share
MAX_SHARE = 0.2             # a fragment that more of the class has (and more than two) is no sign of anything
_LAYOUT = {tokenize.COMMENT, tokenize.NL, tokenize.NEWLINE, tokenize.INDENT, tokenize.DEDENT, tokenize.ENCODING,
           tokenize.ENDMARKER}


@dataclass(frozen=True)
class Piece:
    """A run of lines (from 1, both ends inside) of an exercise's answer in one submission, and of its like in another."""

    exercise: str
    left: tuple[int, int]
    right: tuple[int, int]
    tokens: int


@dataclass
class Pair:
    """Two submissions, in the order of their names; `bits` of surprise in all that they share."""

    left: str
    right: str
    bits: float = 0.0
    pieces: list[Piece] = field(default_factory=list)

    @property
    def tokens(self) -> int:
        return sum(piece.tokens for piece in self.pieces)


@dataclass(frozen=True)
class Fingerprints:
    """Where each fingerprint of a text stands (index of its first token), and the line of each token."""

    places: Mapping[int, int]
    lines: tuple[int, ...]


def pairs(answers: Mapping[str, Mapping[str, str]], known: Mapping[str, Iterable[str]]) -> list[Pair]:
    """Pairs worth a look, the most surprising first.

    Args:
        answers: student -> exercise -> source of the answer.
        known: exercise -> texts that everybody may have: what was handed out, the reference answers.
    """
    found: dict[tuple[str, str], Pair] = {}
    for exercise, texts in known.items():
        common = {print_ for text in texts for print_ in fingerprints(text).places}
        prints = {student: fingerprints(own[exercise]) for student, own in answers.items() if exercise in own}
        _compare(exercise, prints, common, found)
    possible = len(answers) * (len(answers) - 1) / 2
    worth = [p for p in found.values() if p.bits >= math.log2(max(1, possible)) + MARGIN and p.tokens >= MIN_TOKENS]
    return sorted(worth, key=lambda pair: (-pair.bits, pair.left, pair.right))


def _compare(exercise: str, prints: Mapping[str, Fingerprints], common: set[int], found: dict) -> None:
    owners = defaultdict(list)
    for student, own in prints.items():
        for one in own.places.keys() - common:
            owners[one].append(student)
    most = max(2, MAX_SHARE * len(prints))
    shared = defaultdict(list)
    for one, students in owners.items():
        if 2 <= len(students) <= most:
            for two in itertools.combinations(sorted(students), 2):
                shared[two].append(one)
    for (left, right), both in shared.items():
        pair = found.setdefault((left, right), Pair(left, right))
        rarity = sum(math.log2(len(prints) / (len(owners[one]) - 1)) for one in both)
        pair.bits += rarity / (DENSITY * SPAN)
        pair.pieces += _pieces(exercise, both, prints[left], prints[right])


def _pieces(exercise: str, both: list[int], left: Fingerprints, right: Fingerprints) -> list[Piece]:
    """Fingerprints that overlap in both texts, joined."""
    spans: list[list[int]] = []
    for a, b in sorted((left.places[one], right.places[one]) for one in both):
        last = spans[-1] if spans else None
        if last and a <= last[1] and last[2] <= b <= last[3]:
            last[1], last[3] = a + SPAN, b + SPAN
        else:
            spans.append([a, a + SPAN, b, b + SPAN])
    return [Piece(exercise, (left.lines[a], left.lines[a_end - 1]), (right.lines[b], right.lines[b_end - 1]), a_end - a)
            for a, a_end, b, b_end in spans]


def fingerprints(source: str) -> Fingerprints:
    """Winnowed: of every `WINDOW` hashes in a row the smallest, the last of equals."""
    read = tokens(source)
    hashes = [zlib.crc32("\x1f".join(word for word, _ in read[i:i + SPAN]).encode())
              for i in range(len(read) - SPAN + 1)]
    places: dict[int, int] = {}
    for start in range(max(0, len(hashes) - WINDOW + 1)) or range(len(hashes) > 0):
        window = hashes[start:start + WINDOW]
        smallest = min(window)
        places.setdefault(smallest, start + len(window) - 1 - window[::-1].index(smallest))
    return Fingerprints(places, tuple(line for _, line in read))


def tokens(source: str) -> list[tuple[str, int]]:
    """Words of Python, each with its line; own names made alike. Of what is no Python, the words of the text."""
    try:
        tree = ast.parse(source)
        read = [t for t in tokenize.generate_tokens(io.StringIO(source).readline) if t.type not in _LAYOUT]
    except (SyntaxError, ValueError, RecursionError, MemoryError, tokenize.TokenError):
        lines = enumerate(source.splitlines(), start=1)
        return [(word.lower().strip(".,;:!?*`"), number) for number, line in lines for word in line.split()]
    own, docstrings = _own_names(tree), _docstring_lines(tree)
    return [("name" if t.type == tokenize.NAME and t.string in own else t.string, t.start[0]) for t in read
            if not (t.type == tokenize.STRING and t.start[0] in docstrings)]


def _own_names(tree: ast.AST) -> set[str]:
    """Names that the code itself binds: arguments, variables, functions."""
    own = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            own.add(node.id)
        elif isinstance(node, ast.arg):
            own.add(node.arg)
        elif isinstance(node, ast.FunctionDef | ast.ClassDef):
            own.add(node.name)
    return own - set(keyword.kwlist) - set(dir(builtins))


def _docstring_lines(tree: ast.AST) -> set[int]:
    """Lines on which a string stands that nothing uses."""
    return {node.lineno for node in ast.walk(tree) if isinstance(node, ast.Expr)
            and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str)}
