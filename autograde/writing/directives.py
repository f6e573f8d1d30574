"""The part of MyST that the course uses, as data: a Markdown cell is a list of texts and directives."""
from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace

_OPEN = re.compile(r"^(?P<fence>:{3,}|`{3,})\{(?P<name>[\w:+-]+)\}\s*(?P<argument>.*)$")
_FENCE = re.compile(r"^(?P<fence>`{3,}|~{3,})(?!\{)")
_OPTION = re.compile(r"^:(?P<key>[\w-]+):\s*(?P<value>.*)$")


@dataclass(frozen=True)
class Directive:
    """`:::{name} argument`, options `:key: value`, then `body` (Markdown, not yet parsed)."""

    name: str
    argument: str = ""
    options: dict[str, str] = field(default_factory=dict)
    body: str = ""
    fence: str = ":::"

    def source(self) -> str:
        """The directive as MyST, with its own fence."""
        head = f"{self.fence}{{{self.name}}} {self.argument}".rstrip()
        options = [f":{key}: {value}".rstrip() for key, value in self.options.items()]
        return "\n".join([head, *options, *([""] if options else []), self.body, self.fence])


def parse(text: str) -> list[str | Directive]:
    """Split Markdown into runs of plain text and top-level directives.

    Raises:
        ValueError: a directive is not closed.
    """
    parts: list[str | Directive] = []
    plain: list[str] = []
    lines = iter(text.split("\n"))
    for line in lines:
        if code := _FENCE.match(line):  # an ordinary code block: what stands in it is no directive
            plain += [line, *_until(code["fence"], lines, line)]
        elif opened := _OPEN.match(line):
            if plain:
                parts.append("\n".join(plain))
                plain = []
            inside = _until(opened["fence"], lines, line)[:-1]
            parts.append(_directive(opened, inside))
        else:
            plain.append(line)
    return parts + (["\n".join(plain)] if plain else [])


def rewrite(text: str, change: Callable[[Directive], Directive | str | None]) -> str:
    """`text` with every top-level directive replaced by what `change` makes of it (None leaves it out)."""
    written = []
    for part in parse(text):
        new = part if isinstance(part, str) else change(part)
        if new is not None:
            written.append(new.source() if isinstance(new, Directive) else new)
    return "\n".join(written)


def with_options(directive: Directive, **options: object) -> Directive:
    """The directive with these options first, then its own."""
    return replace(directive, options={key: str(value) for key, value in options.items()} | directive.options)


def _until(fence: str, lines: Iterator[str], opening: str) -> list[str]:
    """Lines up to and with the closing fence: the same character, at least as often."""
    taken = []
    for line in lines:
        taken.append(line)
        if re.fullmatch(rf"{re.escape(fence[0])}{{{len(fence)},}}\s*", line):
            return taken
    raise ValueError(f"not closed: {opening!r}")


def _directive(opened: re.Match, inside: list[str]) -> Directive:
    options = {}
    while inside and (option := _OPTION.match(inside[0])):
        options[option["key"]] = option["value"].strip()
        inside = inside[1:]
    return Directive(opened["name"], opened["argument"].strip(), options, "\n".join(inside).strip("\n"),
                     opened["fence"])
