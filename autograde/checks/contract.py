"""What every answer keeps, beside what it computes: the manners of a call, asked once for all exercises.

An answer leaves what it was handed as it was: tensors are not written to; a network keeps its mode, its parameters, which
of them learn, and its hooks; who was given a generator draws from it, and not from torch's own, which nobody seeds;
float32 in, float32 out; what may be left out, and whether a number comes back, is as the signature says.
What an exercise is there to change is no breach, and its chapter says so once:

    may_change("evaluation.generated_features", "mode")

`watched` goes around the student's object, where the object is, and `breach` asks what was seen. It reaches the checks
without their knowing, in this process and in the sandbox alike; what is seen is a kind and a name, and the words are
chosen here. A submission could hide a breach, as it could forge anything else: it gains what it had without this module.

Where a gradient must arrive is part of an answer's value: `gradients` is a probe that a check compares with the reference.
"""
from __future__ import annotations

import functools
import importlib
import inspect
from typing import Any

import torch
from torch import Tensor, nn

from .subject import Subject

BREACHES = {  # kind -> what the student is told of the argument of that name
    "written": "It changes `{name}` in place, which belongs to the caller: write `x = x + ...`, not `x += ...`, or begin with "
               "a copy, `x = {name}.clone()`.",
    "mode": "It leaves `{name}` in another mode than it found it: after eval() or train(), put it back as it was.",
    "frozen": "It leaves `{name}` with other weights frozen than before: after requires_grad_(False), call "
              "requires_grad_(True) again (what came frozen stays frozen), or cut the graph with detach() instead.",
    "parameters": "It puts new parameters into `{name}`, and whoever holds the old ones, such as an optimizer, trains them in "
                  "vain: change those that are there.",
    "hooks": "It leaves a hook in `{name}`: keep what register_..._hook gives, and remove() it at the end.",
    "generator": "It draws from torch's own generator, or seeds it: draw from `{name}` alone, `generator={name}`.",
    "still": "`{name}` stands where it stood before the call: draw from it, and do not set it back, or each call draws the "
             "same.",
    "seeded": "It seeds torch's own generator, and whoever draws from that afterwards draws the same as everybody: make a "
              "generator of your own, `torch.Generator().manual_seed(...)`.",
    "double": "It gives numbers of another precision than it was handed: here all is float32, so convert nothing to double.",
    "field": "A field of what it gives is a tensor where a plain number is asked for: .item() makes one.",
    "number": "It gives a tensor where the signature says a plain number: .item() makes one.",
}
_ALLOWED: dict[str, frozenset[str]] = {}


def may_change(exercise: str, *kinds: str) -> None:
    """Say what an exercise is there to change, by kinds of BREACHES.

    Raises:
        ValueError: there is no such kind.
    """
    if unknown := set(kinds) - BREACHES.keys():
        raise ValueError(f"expected kinds of {sorted(BREACHES)}, got {sorted(unknown)}")
    _ALLOWED[exercise] = frozenset(kinds)


def watch(subject: Subject) -> Subject:
    """The same subject, whose calls are looked at."""
    seen = subject.probe(watched)
    return seen if isinstance(seen, Subject) else subject  # a plain value has no calls


def breach(subject: Subject, exercise: str, but: set[str]) -> str:
    """What the calls of a subject from `watch` have broken first, in words; empty where they have kept everything.

    Args:
        but: kinds that have cost their points already; the one that is found is added.
    """
    found = subject.probe(breaches)
    seen, defaults = found if isinstance(found, list | tuple) and len(found) == 2 else ((), {})
    signature = _signature(exercise)
    for pair in seen if isinstance(seen, list | tuple) else []:
        kind, name = pair if isinstance(pair, list | tuple) and len(pair) == 2 else ("", "")
        if kind == "number" and signature.return_annotation not in ("float", "int", "bool"):
            continue
        if isinstance(kind, str) and kind in BREACHES and kind not in but | _ALLOWED.get(exercise, frozenset()):
            but.add(kind)
            return BREACHES[kind].format(name=name if isinstance(name, str) and name.isidentifier() else "it")
    for name, default in _defaults(signature).items():
        if default and isinstance(defaults, dict) and defaults.get(name, default) != default and "default" not in but:
            but.add("default")
            return f"By the signature `{name}` may be left out, and is {default[0]!r} then: keep this default."
    return ""


@functools.cache
def _signature(exercise: str) -> inspect.Signature:
    """Of the reference; empty where it has none."""
    chapter, _, name = exercise.partition(".")
    try:
        return inspect.signature(getattr(importlib.import_module(f"solutions.{chapter}"), name))
    except (ImportError, AttributeError, TypeError, ValueError):
        return inspect.Signature()


def _defaults(signature: inspect.Signature) -> dict:
    """What each argument is where it is left out, in a list; which is empty where it may not be."""
    return {name: [] if one.default is one.empty else [one.default] for name, one in signature.parameters.items()
            if one.default is one.empty or isinstance(one.default, int | float | str | None)}


def watched(thing: Any) -> Any:
    """The student's function or class, each call of which is compared before and after. What is neither stays as it is."""
    seen: list = []
    if inspect.isfunction(thing):
        return _looked_at(thing, seen)
    if not inspect.isclass(thing):
        return thing
    own = {name: _looked_at(method, seen) for base in reversed(thing.__mro__) if not _of_torch(base)
           for name, method in vars(base).items()
           if inspect.isfunction(method) and (name in ("__init__", "__call__") or not name.startswith("__"))}
    metaclass: Any = type(thing)
    try:
        return metaclass(thing.__name__, (thing,), own | {"__breaches__": seen, "__module__": _module(thing)})
    except TypeError:  # a class of which none can be made
        return thing


def _module(thing: Any) -> str:
    return str(getattr(thing, "__module__", "__main__"))


def _of_torch(thing: Any) -> bool:
    return _module(thing).partition(".")[0] == "torch"


def breaches(thing: Any) -> tuple:
    """(kind, name) of what the calls of a thing from `watched` have broken; and its defaults, by name."""
    try:
        defaults = _defaults(inspect.signature(thing))
    except (TypeError, ValueError):
        defaults = {}
    return list(getattr(thing, "__breaches__", [])), defaults


def _looked_at(function: Any, seen: list) -> Any:
    try:
        signature = inspect.signature(function)
    except (TypeError, ValueError):  # nothing is known of its arguments
        signature = inspect.Signature()

    @functools.wraps(function)
    def call(*args: Any, **kwargs: Any) -> Any:
        handed = _by_name(signature, args, kwargs, with_self=function.__name__ == "forward")
        before = [(name, kind, value, state) for name, value in handed.items() for kind, state in _state(value).items()
                  if name != "self" or kind in ("mode", "frozen")]  # a lazy layer makes its weights when it is first asked
        own = torch.random.default_generator
        vars(torch.random)["default_generator"] = seeds = _Seeds(own)
        try:
            result = function(*args, **kwargs)
        finally:
            torch.random.default_generator = own
        broken = [(kind, name) for name, kind, value, state in before
                  if _same(_state(value).get(kind), state) == (kind == "still")]
        fields = getattr(result, "__annotations__", {}) if isinstance(result, tuple) else {}
        broken += [(kind, "it") for kind, is_so in {
            "seeded": seeds.seeded,
            "number": isinstance(result, Tensor) and result.numel() == 1,
            "field": any("float" in str(kind) and isinstance(getattr(result, name), Tensor) for name, kind in fields.items()),
            "double": _doubles(result) and any(map(_singles, handed.values())) and not any(map(_doubles, handed.values())),
        }.items() if is_so]
        seen.extend(pair for pair in broken if pair not in seen)
        return result
    vars(call)["__breaches__"] = seen
    return call


class _Seeds:
    """Torch's own generator while a call is looked at: was it seeded, and not put back (`torch.random.fork_rng`)?"""

    def __init__(self, generator: Any):
        self.generator, self.seeded = generator, False

    def manual_seed(self, seed: int) -> Any:
        self.seeded = True
        return self.generator.manual_seed(seed)

    def set_state(self, state: Tensor) -> Any:
        self.seeded = False
        return self.generator.set_state(state)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.generator, name)


def _by_name(signature: inspect.Signature, args: tuple, kwargs: dict, *, with_self: bool) -> dict:
    """The arguments of a call, by the names that the student gave them; `self` of a network's `forward` alone, since other
    methods may be there to change it."""
    try:
        bound = signature.bind(*args, **kwargs)
    except TypeError:  # the call itself will say it
        return {}
    return {name: value for name, value in bound.arguments.items() if name != "self" or with_self}


def _state(value: Any) -> dict:
    """What may be told apart of an argument later, by kind."""
    if isinstance(value, torch.Generator):
        return {"generator": torch.get_rng_state(), "still": value.get_state()}
    if isinstance(value, nn.Module):
        modules, parameters = list(value.modules()), list(value.parameters())
        return {"mode": [m.training for m in modules], "frozen": [p.requires_grad for p in parameters],
                "parameters": [id(p) for p in parameters],
                "hooks": sum(len(m._forward_hooks) + len(m._forward_pre_hooks) + len(m._backward_hooks) for m in modules)}
    tensors = _tensors(value)
    return {"written": [(t.detach().clone(), t.requires_grad) for t in tensors]} if tensors else {}


def _same(left: Any, right: Any) -> bool:
    if isinstance(left, Tensor) and isinstance(right, Tensor):
        if left.shape != right.shape or left.dtype != right.dtype:
            return False
        return torch.equal(left, right) or torch.allclose(left, right, 0, 0, equal_nan=True)  # the first is much faster
    if isinstance(left, list | tuple) and isinstance(right, list | tuple):
        return len(left) == len(right) and all(map(_same, left, right))
    return left == right


def _tensors(value: Any) -> list:
    """Tensors, also those in lists, tuples and dicts, but for parameters: a step of training is there to change them."""
    if isinstance(value, Tensor):
        elsewhere = isinstance(value, nn.Parameter) or value.layout != torch.strided or value.device.type == "meta"
        return [] if elsewhere else [value]
    if isinstance(value, dict):
        value = list(value.values())
    return [t for part in value for t in _tensors(part)] if isinstance(value, list | tuple) else []


def _doubles(value: Any) -> bool:
    return any(t.dtype == torch.float64 and t.ndim > 0 for t in _tensors(value))  # a single number may be as exact as it likes


def _singles(value: Any) -> bool:
    return any(t.dtype == torch.float32 for t in _tensors(value))


def gradients(function: Any, *args: Any) -> dict:
    """Where a gradient arrives: of the sum of all that is given, each number with a weight of its own, with respect to
    each tensor handed over and, of a network, to each weight, by name; 0 where none arrives.

    Args:
        function: a function, or a network, which is asked in its mode.
        args: tensors of real numbers are differentiated by; others are handed on.
    """
    given = [a.detach().clone().requires_grad_() if isinstance(a, Tensor) and a.is_floating_point() else a for a in args]
    at = {f"argument {i + 1}": a for i, a in enumerate(given) if isinstance(a, Tensor) and a.is_floating_point()}
    if isinstance(function, nn.Module):
        at |= dict(function.named_parameters())
    total: Any = 0.0
    for result in _tensors(function(*given)):
        if result.requires_grad:
            total = total + (result * torch.linspace(0.5, 1.5, result.numel()).reshape(result.shape)).sum()
    found = torch.autograd.grad(total, list(at.values()), allow_unused=True) if isinstance(total, Tensor) else [None] * len(at)
    return {name: torch.zeros_like(x) if g is None else g.detach() for (name, x), g in zip(at.items(), found, strict=True)}
