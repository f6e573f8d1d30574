"""One stylesheet and one script for the whole site, without the styles that no page uses.

The theme and the extensions bring a dozen files, 430 KB of styles among them, most of them icons and components that
this book never shows. When the pages are written, they are put together here, and what cannot apply is left out.
`templates/layout.html` loads the two; what only some pages need (KaTeX's styles, live figures) stays with those pages.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path, PurePosixPath
from posixpath import normpath

import tinycss2

FIRST = ["_static/basic.css", "_static/styles/pydata-sphinx-theme.css"]  # theme.css only imports the former
# course.js measures what scrolls in place of the theme, and can only before it
LAST = ["_static/scripts/bootstrap.js", "_static/js/course.js", "_static/scripts/pydata-sphinx-theme.js"]
SITE = "_static/site"
OWN = ("_static/js", "_static/live")  # where the book's scripts are
UNUSED = ["**/*.map", "**/*.LICENSE.txt", "scripts/fontawesome.js", "vendor/fontawesome/webfonts/*.ttf"]
# Beginnings of classes that Bootstrap's script sets here.
OF_BOOTSTRAP = ("bs-", "show", "fade", "dropdown", "dropup", "tooltip", "collaps")
URL = re.compile(r"url\((?!['\"]?(?:data:|#))['\"]?([^'\")]+)['\"]?\)")
CLASSES = re.compile(r'class="([^"]*)"')
WORD = re.compile(r"-?[A-Za-z_][\w-]*")
VARIABLE = re.compile(r"var\(\s*(--[\w-]+)")
# A variable with a plain value: one with quotes or brackets of its own stays where it is.
DECLARED = re.compile(r"(?<=[{;])\s*(?P<name>--[\w-]+)\s*:(?:[^;{}\"'()]|\([^;{}\"'()]*\))*(?:;|(?=\}))")


def leave_only_its_own(app, pagename, templatename, context, doctree) -> None:
    """A page links its own files; those of all pages are in the two that the layout loads."""
    shared = shared_files(app.builder)
    for files in ("css_files", "script_files"):
        context[files] = [file for file in context[files] if file.filename and file.filename not in shared]


def shared_files(builder) -> list[str]:
    """What Sphinx would load on every page, in the order in which it would."""
    files = [*builder._orig_css_files, *builder._orig_js_files]
    names = [str(file.filename).partition("?")[0] for file in sorted(files, key=lambda file: file.priority)]
    scripts = [name for name in names if name.endswith(".js") and name not in LAST]
    return [*FIRST, *(name for name in names if name.endswith(".css")), *scripts, *LAST]


def put_together(app, exception) -> None:
    """Write the stylesheet and the script, and drop what the site does not load."""
    if exception or app.builder.format != "html" or not hasattr(app.builder, "_orig_css_files"):  # or no page was written
        return
    site = Path(app.outdir)
    files = [site / name for name in shared_files(app.builder)]
    scripts = {path.name: without_map(path.read_text("utf-8")) for path in files if path.suffix == ".js"}
    # The first ; keeps one file's "use strict" from all others.
    (site / f"{SITE}.js").write_text(";" + "\n;\n".join(scripts.values()), encoding="utf-8")
    styles = "".join(with_addresses_from(path, site) for path in files if path.suffix == ".css")
    del scripts["bootstrap.js"]  # it knows components that the book has not
    (site / f"{SITE}.css").write_text(prune(styles, used_words(site, scripts.values())), encoding="utf-8")
    for pattern in UNUSED:
        for path in (site / "_static").glob(pattern):
            path.unlink()


def without_map(script: str) -> str:
    return re.sub(r"^//# sourceMappingURL=.*$", "", script, flags=re.M)


def with_addresses_from(path: Path, site: Path) -> str:
    """A stylesheet whose relative addresses are written as from `_static/`."""
    folder = PurePosixPath(path.relative_to(site / "_static").parent)
    return URL.sub(lambda found: f'url("{normpath(folder / found[1])}")', path.read_text("utf-8"))


def used_words(site: Path, scripts: Iterable[str]) -> set[str]:
    """The classes and variables of all pages, and every word of the scripts, which may set some."""
    pages = "".join(path.read_text("utf-8") for path in site.glob("*.html"))
    own = "".join(path.read_text("utf-8") for folder in OWN for path in (site / folder).glob("*.js"))
    code = "".join(scripts) + own
    return {*" ".join(CLASSES.findall(pages)).split(), *WORD.findall(code), *VARIABLE.findall(pages + code)}


def prune(styles: str, words: set[str]) -> str:
    """`styles` without comments, rules that need a class which is not among `words`, and variables that nothing asks for."""
    text = "".join(kept(rule, words) for rule in rules_of(styles))
    while (shorter := without_unused_variables(text, words)) != text:
        text = shorter
    return text


def rules_of(styles: str) -> list:
    return tinycss2.parse_stylesheet(styles, skip_comments=True, skip_whitespace=True)


def kept(rule, words: set[str]) -> str:
    """The rule as text; empty where no element can match it."""
    if rule.type == "at-rule" and rule.lower_at_keyword in ("media", "supports", "layer"):
        inner = "".join(kept(inner, words) for inner in rules_of(tinycss2.serialize(rule.content or [])))
        return f"@{rule.at_keyword}{compact(rule.prelude)}{{{inner}}}" if inner else ""
    if rule.type == "at-rule":
        return f"{rule.serialize()}\n" if rule.lower_at_keyword != "charset" else ""
    selectors = [part for part in split_at_commas(rule.prelude) if can_match(part, words)]
    content = compact(rule.content).strip()
    return f"{','.join(map(compact, selectors)).strip()}{{{content}}}\n" if selectors and content else ""


def without_unused_variables(styles: str, words: set[str]) -> str:
    asked = words | set(VARIABLE.findall(styles))
    return DECLARED.sub(lambda found: found[0] if found["name"] in asked else "", styles)


def split_at_commas(tokens: list) -> list[list]:
    parts: list[list] = [[]]
    for token in tokens:
        parts.append([]) if token == "," else parts[-1].append(token)
    return parts


def can_match(selector: list, words: set[str]) -> bool:
    """Whether every class that the selector asks for may be somewhere; what stands inside :is() or :not() is not looked at."""
    classes = [name.value for dot, name in zip(selector, selector[1:], strict=False) if dot == "." and name.type == "ident"]
    return all(name in words or name.startswith(OF_BOOTSTRAP) for name in classes)


def compact(tokens: list) -> str:
    """The tokens as text, without comments and runs of white space."""
    return re.sub(r"\s+", " ", tinycss2.serialize([token for token in tokens if token.type != "comment"]))


def setup(app) -> dict:
    app.connect("html-page-context", leave_only_its_own, priority=960)
    app.connect("build-finished", put_together, priority=999)  # after the theme has written its own files
    return {"parallel_read_safe": True, "parallel_write_safe": True}
