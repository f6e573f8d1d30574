"""Answers of every odd kind. Right numbers in an honest form count; whatever else comes back fails, and stops nothing.

`odd` is given the right answer and makes of it what two exercises return: generator_loss, one number, and
optimal_discriminator, a number a point (three points each).
"""
# The bodies are cells: what they name and leave behind stands in the notebook.
# ruff: noqa: F821, F841
from collections.abc import Callable

from tests.autograde.desk import cell_of

from .corpus import body, handed_in, notebook

ANSWERS = {
    "generator_loss": "def generator_loss(fake_logits):\n    return odd(F.softplus(-fake_logits).mean())",
    "optimal_discriminator": "def optimal_discriminator(p_data, p_g):\n    total = p_data + p_g\n"
                             "    return odd(torch.where(total > 0, p_data / total, 0.5))",
}
RIGHT = 6


def value(*, earned: float = 0, statuses: tuple[str, ...] = ("graded",)) -> Callable:
    """Register a function whose body, a cell, defines `odd`."""
    def register(function: Callable) -> Callable:
        code = body(function)

        def make(desk, folder):
            new = notebook(desk, f"import torch\n{code}")
            for name, source in ANSWERS.items():
                cell_of(new, name).source = source
            return new

        make.__module__, make.__name__, make.__doc__ = function.__module__, function.__name__, function.__doc__
        return handed_in(earned=earned, statuses=statuses)(make)
    return register


@value(earned=5)  # its own gradient is zero
def asks_for_gradients():
    """The right answer, cut from its inputs and asking for a gradient of its own."""
    odd = lambda right: right.detach().clone().requires_grad_() + 0 * right


@value(earned=RIGHT)
def double_precision():
    """The right answer in float64."""
    odd = lambda right: right.double()


@value(earned=RIGHT)
def strided_and_expanded():
    """The right answer as a view: expanded, transposed twice, of step 0."""
    odd = lambda right: right.expand(3, *right.shape)[1]


@value(earned=RIGHT)
def a_parameter_or_a_subclass():
    """The right answer in a subclass that does nothing."""
    class Mine(torch.Tensor):
        pass

    odd = lambda right: right.as_subclass(Mine)


@value(earned=5)  # no gradient can be had of it
def numbers_of_python():
    """The right answer as plain numbers, in lists."""
    odd = lambda right: right.tolist()


@value()
def not_a_number():
    """NaN, which is equal to nothing, itself included."""
    odd = lambda right: right * float("nan")


@value()
def infinite():
    """Infinity, which is close to infinity."""
    odd = lambda right: right + float("inf")


@value()
def complex_numbers():
    """The right answer as the real part of complex numbers."""
    odd = lambda right: torch.complex(right, torch.zeros_like(right))


@value()
def truth_values():
    """True at every place."""
    odd = lambda right: torch.ones_like(right, dtype=torch.bool)


@value()
def sparse():
    """The right answer in a sparse tensor, of a shape that would be huge if made dense."""
    odd = lambda right: torch.sparse_coo_tensor([[0]], [1.0], (2 ** 62,))


@value()
def a_kind_without_data():
    """Tensors on the meta device, quantised, nested: no numbers to compare."""
    turns = [lambda x: x.to("meta"), lambda x: torch.quantize_per_tensor(x.detach(), 0.1, 0, torch.qint8),
             lambda x: torch.nested.nested_tensor([torch.ones(2), torch.ones(3)]), lambda x: torch.empty(3, 0, 5)]

    def odd(right):
        turns.append(turns.pop(0))
        return turns[-1](right)


@value()
def ten_gigabytes():
    """A tensor of 10 GB, of which nothing is written."""
    odd = lambda right: torch.empty(2_500_000_000)


@value()
def huge_by_expansion():
    """One number expanded to 10 to the 15: nothing here, a thousand terabytes as a copy."""
    odd = lambda right: torch.zeros(1).expand(10 ** 15)


@value()
def no_tensor():
    """Texts, bytes, sets, functions, modules, types, a slice, a generator."""
    turns = ["0.5", b"0.5", {0.5}, print, torch, float, slice(3), (x for x in range(3)), ..., 10 ** 5000, -0.0]

    def odd(right):
        turns.append(turns.pop(0))
        return turns[-1]


@value(statuses=("graded", "crashed"))
def a_list_in_itself():
    """Lists that hold themselves, dicts of a million keys, and nests of ten thousand lists."""
    knot = []
    knot.append(knot)
    deep = 0.5
    for _ in range(10_000):
        deep = [deep]
    turns = [knot, deep, dict.fromkeys(range(1_000_000)), {"a": knot}, [0.5] * 5_000_000]

    def odd(right):
        turns.append(turns.pop(0))
        return turns[-1]


@value(statuses=("graded", "crashed", "timed_out"))
def endless_containers():
    """Subclasses of list, dict, int, float and str that never end, or change while they are looked at."""
    class EndlessList(list):
        __iter__ = lambda self: iter(int, 1)
        __len__ = lambda self: 1

    class EndlessDict(dict):
        items = lambda self: iter(lambda: ("key", 0), 1)

    class Number(float):
        __float__ = lambda self: 1 / 0

    class Text(str):
        __str__ = __repr__ = encode = lambda self, *_: "x" * 10 ** 9

    turns = [EndlessList([1]), EndlessDict(a=1), Number(0.5), Text("x")]

    def odd(right):
        turns.append(turns.pop(0))
        return turns[-1]


@value()
def a_pickle_with_teeth():
    """Objects whose pickle, copy or conversion would run something on the other side."""
    class Bites:
        __reduce__ = lambda self: (os.system, (f"touch {COURSE}/pwned-{TOKEN}",))
        __array__ = __float__ = __index__ = __deepcopy__ = lambda self, *_: 1 / 0

    odd = lambda right: Bites()


@value()
def keys_that_collide():
    """A dict whose keys all have one hash."""
    class Same(str):
        __hash__ = lambda self: 1

    odd = lambda right: {Same(i): 0 for i in range(300)}
