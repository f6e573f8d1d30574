"""What the code of a notebook's cell does with names, read from the code by the scopes of Python: nothing of it runs."""
from __future__ import annotations

import ast
import re
import symtable
import warnings
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace

from IPython.core.inputtransformer2 import TransformerManager

from .remembered import remembered
from .session import TIMES

# Ways to an object that is not named: by its name as text, by the frames of a program, by what lies in a folder.
_FUNCTIONS = frozenset("exec eval compile globals locals vars setattr delattr __import__ __builtins__ breakpoint".split())
_PARTS = frozenset("__main__ sys builtins gc inspect ctypes importlib runpy types traceback threading _thread multiprocessing "
                   "subprocess signal atexit asyncio unittest IPython pickle os glob rglob iterdir listdir scandir".split())
_OPEN_DUNDERS = frozenset("__init__ __post_init__ __new__ __call__ __len__ __getitem__ __setitem__ __iter__ __name__ __doc__ "
                          "__version__".split())
_PURE_DECORATORS = frozenset("staticmethod classmethod property dataclass no_grad inference_mode enable_grad".split())
_SURE = (ast.Assign, ast.AnnAssign, ast.Import, ast.ImportFrom, ast.FunctionDef, ast.ClassDef)
_MAKE_VALUES = frozenset("pick preset max min len int float round abs".split())  # numbers and texts, clipkit's too
_FILE = re.compile(r"[\w./-]+\.[A-Za-z]\w{0,11}")


@dataclass(frozen=True)
class Names:
    """What the code of a cell does with the names of its notebook.

    binds: those that it gives a value. surely: of these, those that have it whenever the cell runs to its end.
    reads: those whose value from before the cell it may read. uses: all that it names, in functions too, and files.
    changes: those whose objects it changes by their parts. plain: of `binds`, those of modules, functions, classes and
    constants, which keep nothing of a call; of a module where it comes from, of the others the names that they use.
    sure: False where it can reach what it does not name.
    """

    binds: frozenset[str] = frozenset()
    surely: frozenset[str] = frozenset()
    reads: frozenset[str] = frozenset()
    uses: frozenset[str] = frozenset()
    changes: frozenset[str] = frozenset()
    plain: Mapping[str, str | frozenset[str]] = field(default_factory=dict)
    sure: bool = True


@remembered
def names(source: str) -> Names:
    """What a cell's code does with names; code that Python cannot read does nothing."""
    with warnings.catch_warnings(action="ignore"):
        try:
            tree, sure = _parsed(source)
            return _union([_names(statement) for statement in tree.body], sure)
        except (SyntaxError, ValueError):
            return Names()
        except (RecursionError, MemoryError):
            return Names(sure=False)


def _parsed(source: str) -> tuple[ast.Module, bool]:
    """A cell as `session` runs it; False where a magic runs code of its own."""
    try:
        tree = ast.parse(source)
    except SyntaxError:  # where it is no Python as it stands, it may hold magics
        tree = ast.parse(TransformerManager().transform_cell(source))
        return tree, not any(isinstance(node, ast.Constant) and node.value in TIMES for node in ast.walk(tree))
    return tree, not any(isinstance(node, ast.Name) and node.id == "get_ipython" for node in ast.walk(tree))


def _union(parts: list[Names], sure: bool = True) -> Names:
    """One statement after another."""
    plain: dict[str, str | frozenset[str]] = {}
    reads: set[str] = set()
    surely: set[str] = set()
    for part in parts:
        reads |= part.reads - surely
        surely |= part.surely
        plain |= part.plain
    for part in parts:  # a name that is bound otherwise, too
        for name in part.binds - part.plain.keys():
            plain.pop(name, None)
    every = {kind: frozenset().union(*(getattr(part, kind) for part in parts)) for kind in ("binds", "uses", "changes")}
    return Names(**every, surely=frozenset(surely), reads=frozenset(reads), plain=plain,
                 sure=sure and all(part.sure for part in parts))


def _names(statement: ast.stmt) -> Names:
    """What one statement does; of those that hold others, one of these after another."""
    match statement:
        case ast.With(items=items, body=body):
            return _in_turn(*(_bound_to(item.optional_vars, item.context_expr) for item in items), *body, surely=True)
        case ast.For(target=target, iter=values, body=body, orelse=orelse):
            runs_once = isinstance(values, ast.Tuple | ast.List) and bool(values.elts)
            return _union([_in_turn(_bound_to(target, values), *body, surely=runs_once), _in_turn(*orelse)])
        case ast.If(test=test, body=body, orelse=orelse) | ast.While(test=test, body=body, orelse=orelse):
            return _union([_in_turn(ast.Expr(test), *body), _in_turn(ast.Expr(test), *orelse)])
        case ast.Try(body=body, handlers=handlers, orelse=orelse, finalbody=finalbody):
            caught = [_in_turn(_bound_to(ast.Name(h.name or "_", ast.Store()), h.type or ast.Constant(None)), *h.body)
                      for h in handlers]
            return _union([_in_turn(*body, *orelse), *caught, _in_turn(*finalbody)])
        case _:
            return _simple(statement)


def _in_turn(*statements: ast.stmt, surely: bool = False) -> Names:
    """What statements do that may not all run, or that run `surely`."""
    found = _union([_names(ast.fix_missing_locations(statement)) for statement in statements])
    return found if surely else replace(found, surely=frozenset())


def _bound_to(target: ast.expr | None, value: ast.expr) -> ast.stmt:
    """The statement that gives a value to a target, as `with`, `for` and `except` do."""
    return ast.Assign([target], value) if target else ast.Expr(value)


def _simple(statement: ast.stmt) -> Names:
    top = symtable.symtable(ast.unparse(statement), "<cell>", "exec")
    inner = [symbol for table in _below(top) for symbol in table.get_symbols() if symbol.is_global()]
    binds = {s.get_name() for s in (*top.get_symbols(), *inner) if s.is_assigned() or s.is_imported()}
    uses = {s.get_name() for s in (*top.get_symbols(), *inner) if s.is_referenced()}
    nodes = list(ast.walk(statement))
    changes = {_base(node) for node in nodes if isinstance(node, ast.Attribute | ast.Subscript)
               and not isinstance(node.ctx, ast.Load)} & (binds | uses)
    files = {node.value for node in nodes if isinstance(node, ast.Constant) and isinstance(node.value, str)
             and _FILE.fullmatch(node.value)}
    parts = {node.attr for node in nodes if isinstance(node, ast.Attribute)}
    parts |= {part for node in nodes if isinstance(node, ast.Import | ast.ImportFrom) for part in _imported(node)}
    sure = not (uses & _FUNCTIONS or (uses | parts) & _PARTS or "*" in parts or any(map(_is_dunder, parts)))
    surely = binds if isinstance(statement, _SURE) and getattr(statement, "value", 0) is not None else ()
    return Names(frozenset(binds), frozenset(surely), frozenset(uses | files), frozenset(uses | files), frozenset(changes),
                 dict(_plain(statement, frozenset(uses))), sure)


def _below(table: symtable.SymbolTable) -> Iterator[symtable.SymbolTable]:
    for child in table.get_children():
        yield child
        yield from _below(child)


def _base(node: ast.AST) -> str:
    """The name at the start of `name.part[0].part`; empty where there is none."""
    while isinstance(node, ast.Attribute | ast.Subscript):
        node = node.value
    return node.id if isinstance(node, ast.Name) else ""


def _imported(node: ast.Import | ast.ImportFrom) -> Iterator[str]:
    yield from (getattr(node, "module", None) or "").split(".")
    for alias in node.names:
        yield from alias.name.split(".")


def _is_dunder(name: str) -> bool:
    return name.startswith("__") and name.endswith("__") and name not in _OPEN_DUNDERS


def _plain(statement: ast.stmt, uses: frozenset[str]) -> Iterator[tuple[str, str | frozenset[str]]]:
    """Names that a statement binds to something that keeps nothing of a call, as `Names.plain` says."""
    if isinstance(statement, ast.Import):
        yield from ((alias.asname or alias.name.partition(".")[0], alias.name if alias.asname else alias.name.partition(".")[0])
                    for alias in statement.names)
    elif isinstance(statement, ast.ImportFrom):
        yield from ((alias.asname or alias.name, f"{'.' * statement.level}{statement.module}.{alias.name}")
                    for alias in statement.names)
    elif isinstance(statement, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef) and _keeps_nothing(statement):
        yield statement.name, uses
    elif isinstance(statement, ast.Assign):
        for name, value in (pair for target in statement.targets for pair in _pairs(target, statement.value)):
            if isinstance(value, ast.Lambda) and _keeps_nothing(value):
                yield name, uses
            elif (used := _value_of(value)) is not None:
                yield name, used


def _pairs(target: ast.expr, value: ast.expr) -> Iterator[tuple[str, ast.expr]]:
    """Each name that is assigned to, with its value: `a, b = 1, 2` gives two."""
    if isinstance(target, ast.Name):
        yield target.id, value
    elif isinstance(target, ast.Tuple) and isinstance(value, ast.Tuple) and len(target.elts) == len(value.elts):
        for part, of_it in zip(target.elts, value.elts, strict=True):
            yield from _pairs(part, of_it)


def _keeps_nothing(node: ast.stmt | ast.Lambda) -> bool:
    """Whether a function or a class, once defined, has no part that a call could change."""
    if not _are_pure(getattr(node, "decorator_list", ())):
        return False
    if isinstance(node, ast.ClassDef):
        return all(map(_keeps_nothing, node.body))
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
        defaults = [*node.args.defaults, *filter(None, node.args.kw_defaults)]
        has_global = any(isinstance(part, ast.Global) for part in ast.walk(node))
        return all(_value_of(value) is not None for value in defaults) and not has_global
    if isinstance(node, ast.Assign | ast.AnnAssign | ast.Expr):
        return node.value is None or _is_constant(node.value)
    return isinstance(node, ast.Pass)


def _are_pure(decorators: Iterable[ast.expr]) -> bool:
    names = (node.func if isinstance(node, ast.Call) else node for node in decorators)
    return all((getattr(name, "attr", None) or getattr(name, "id", None)) in _PURE_DECORATORS for name in names)


def _is_constant(node: ast.expr) -> bool:
    return _value_of(node) == frozenset()


def _value_of(node: ast.expr) -> frozenset[str] | None:
    """The names that a value is made of, which cannot be changed unless one of them can be; None where it may be."""
    match node:
        case ast.Constant():
            return frozenset()
        case ast.Name():
            return frozenset({node.id})
        case ast.Attribute(value=base):
            return _value_of(base)
        case ast.UnaryOp(operand=operand):
            parts = [operand]
        case ast.BinOp(left=left, right=right):
            parts = [left, right]
        case ast.Subscript(value=base, slice=index):  # Callable[[int], Tensor] has a list in it that nobody can reach
            parts = [base, *(part for part in ast.walk(index) if isinstance(part, ast.Name | ast.Call))]
        case ast.Tuple(elts=elements):
            parts = elements
        case ast.Call(func=ast.Name(id=name) | ast.Attribute(value=ast.Name(id="clipkit"), attr=name)) if name in _MAKE_VALUES:
            parts = [*node.args, *(keyword.value for keyword in node.keywords)]
        case _:
            return None
    found: frozenset[str] = frozenset()
    for part in parts:
        names = _value_of(part)
        if names is None:
            return None
        found |= names
    return found
