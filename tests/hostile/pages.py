"""Against whoever opens a page: script, markup, links and pictures wherever a submission's text is shown."""
# The bodies are cells: what they name and leave behind stands in the notebook.
# ruff: noqa: F821, F841
import base64
import io
import itertools
import json

import nbformat
from PIL import Image

from tests.autograde.desk import cell_of, short

from .corpus import STEM, handed_in, hostile

PWNED = "window.pwned=1"
SCRIPTS = [
    f"<script>{PWNED}</script>", f"</script><script>{PWNED}</script>", f"</textarea></pre></code><img src=x onerror={PWNED}>",
    f"<svg/onload={PWNED}>", f"<svg><animate onbegin={PWNED} attributeName=x dur=1s>", f"<body onload={PWNED}>",
    f"<details open ontoggle={PWNED}>", "<iframe srcdoc='<script>parent.pwned=1</script>'></iframe>", f"<math><mtext></table><mglyph><style><!--</style><img title='--&gt;&lt;img src=1 onerror={PWNED}&gt;'>", "<iframe src='http://127.0.0.1:PORT/frame'></iframe>",
    "<img src='http://127.0.0.1:PORT/pixel.png'>", "<link rel=stylesheet href='http://127.0.0.1:PORT/a.css'>",
    "<style>@import 'http://127.0.0.1:PORT/b.css'; body{background:url(http://127.0.0.1:PORT/c.png)}</style>",
    "<meta http-equiv=refresh content='0;url=http://127.0.0.1:PORT/away'>", "<base href='http://127.0.0.1:PORT/'>",
    "<video src='http://127.0.0.1:PORT/v.mp4' autoplay>", "<object data='http://127.0.0.1:PORT/o'></object>",
    f"<input autofocus onfocus={PWNED}>", f"<form action='javascript:{PWNED}'><button autofocus>go</button></form>",
    f"<a href='javascript:{PWNED}' id=click>click</a>", "<script src='http://127.0.0.1:PORT/s.js'></script>",
    f"<template><script>{PWNED}</script></template>", f"<noscript><p title='</noscript><img src=x onerror={PWNED}>'>",
    "<!--><script>alert(1)</script>-->", "<script>alert(1)</script>", f"<xmp><p title='</xmp><svg/onload={PWNED}>'>",
]
MARKDOWN = [
    f"[click](javascript:{PWNED})", f"[click](<java\nscript:{PWNED}>)", "![pixel](http://127.0.0.1:PORT/md.png)",
    f"[a][b]\n\n[b]: javascript:{PWNED}", f"![x](data:image/svg+xml;utf8,<svg/onload={PWNED}>)", "![x](attachment:x.png)",
    r"$\href{javascript:window.pwned=1}{x}$ $\includegraphics{http://127.0.0.1:PORT/tex.png}$ $\htmlData{x=y}{z}$",
    f"`<img src=x onerror={PWNED}>` <b onmouseover={PWNED}>x</b> &lt;script&gt;{PWNED}&lt;/script&gt;",
    f"```html\n</code></pre><script>{PWNED}</script>\n```", f"<p>\n\n<script>\n{PWNED}\n</script>\n\n</p>",
]


def with_port(text: str, folder) -> str:
    return text.replace("PORT", (folder.parents[2] / "port.txt").read_text())


@handed_in()
def scripts_in_its_texts(desk, folder):
    """Puts script and markup into Markdown cells, a written answer, raw cells, comments of code, and their metadata."""
    new, text = short(desk.untouched()), with_port("\n\n".join([*SCRIPTS, *MARKDOWN]), folder)
    cell_of(new, "why_it_stalls").source = f"<!-- gan_losses.why_it_stalls -->\n{text}"
    new.cells[1:1] = [nbformat.v4.new_markdown_cell(text, id="text"), nbformat.v4.new_raw_cell(text, id="raw"),
                      nbformat.v4.new_code_cell("# " + text.replace("\n", "\n# "), id="code")]
    new.cells[1].attachments = {"x.png": {"text/html": f"<script>{PWNED}</script>", "image/svg+xml": f"<svg/onload={PWNED}>"}}
    new.metadata["title"] = new.metadata["kernelspec"]["display_name"] = new.metadata["authors"] = f"</title>{text}"
    new.metadata["language_info"] = {"name": f"x'><script>{PWNED}</script>", "pygments_lexer": text, "mimetype": text}
    return new


@handed_in()
def scripts_in_its_ids(desk, folder):
    """Puts script into the ids, tags and names of cells."""
    new = short(desk.untouched())
    for script in SCRIPTS:
        cell = nbformat.v4.new_code_cell("1", metadata={"tags": [script], "name": script, "id": script, "nbgrader": {
            "grade_id": script, "grade": True, "locked": False, "solution": False, "points": 3, "schema_version": 3}})
        new.cells.insert(1, cell)
        cell["id"] = script
    return new


@handed_in()
def scripts_in_stored_outputs(desk, folder):
    """Hands in outputs of its own: HTML, JavaScript, SVG and widgets, as if a run had made them."""
    new, text = short(desk.untouched()), with_port("\n".join(SCRIPTS), folder)
    kinds = ("text/html", "application/javascript", "image/svg+xml", "text/markdown", "text/latex",
             "application/vnd.jupyter.widget-view+json", "text/plain", "image/png")
    for cell in new.cells:
        if cell.cell_type == "code":
            cell.outputs = [nbformat.v4.new_output("display_data", {kind: PWNED if "script" in kind else text for kind in kinds}),
                            nbformat.v4.new_output("stream", text=text), nbformat.v4.new_output("error", ename=text, evalue=text, traceback=[text])]
    return new


@handed_in()
def scripts_in_its_outputs(desk, folder):
    """Prints, returns and raises script: as text, as rich representations, with the escapes of a terminal."""
    new, scripts = short(desk.untouched()), [with_port(script, folder) for script in SCRIPTS + MARKDOWN]
    code = f"""scripts = {scripts!r}
import sys
from IPython.display import HTML, SVG, IFrame, Javascript, Markdown, display
for script in scripts:
    print(script, "\\x1b[31m" + script + "\\x1b]8;;javascript:{PWNED}\\x07click\\x1b]8;;\\x07")
    print(script, file=sys.stderr)
display(HTML(scripts[0]), Javascript("{PWNED}"), Markdown(scripts[0]), IFrame("http://127.0.0.1", 9, 9))
class Page:
    def _repr_html_(self): return "".join(scripts)
    def _repr_mimebundle_(self, **_): return {{"text/html": scripts[0], "application/javascript": "{PWNED}"}}
    def __repr__(self): return "".join(scripts)
Page()"""
    raising = f"raise type({SCRIPTS[0]!r}, (Exception,), {{}})(''.join(scripts))"
    new.cells[:0] = [nbformat.v4.new_code_cell(code, id="shows"), nbformat.v4.new_code_cell(raising, id="raises")]
    return new


@hostile(answers=True)
def scripts_in_its_errors():
    """Raises script where it is asked, so that it comes back in the hint; in the error's name, too."""
    texts = ["<img src=x onerror=window.pwned=1>", "<script>window.pwned=1</script>", "[x](javascript:window.pwned=1)",
             "</pre><svg/onload=window.pwned=1>", f"![x](http://127.0.0.1:{PORT}/hint.png)"]

    def answer(*inputs):
        texts.append(texts.pop(0))
        raise type(texts[0], (ValueError,), {})(texts[-1])


@hostile(answers=True)
def scripts_in_its_kinds():
    """Returns objects whose type is named like a script, which the hint of a comparison would name."""
    answer = lambda *_: type("<img src=x onerror=window.pwned=1>", (), {})()


@handed_in(statuses={"graded", "refused"})
def scripts_in_the_name_of_its_file(desk, folder):
    """Names its only notebook like a script, a picture elsewhere and a link, which a sentence then repeats."""
    name = f"<img src=x onerror={PWNED}> ![x](data:,x) [x](javascript:{PWNED}) `$x$ {{{{7*7}}}}.ipynb"
    (folder / name).write_bytes(nbformat.writes(short(desk.untouched())).encode())


@handed_in(student=f"<img src=x onerror={PWNED}>", statuses={"graded", "refused"})
def scripts_in_the_name_of_the_student(desk, folder):
    """Names the student's folder like a script."""
    return short(desk.untouched())


@handed_in(student="' onmouseover='window.pwned=1' {{7*7}} $(id) ; DROP TABLE student;--", statuses={"graded", "refused"})
def commands_in_the_name_of_the_student(desk, folder):
    """Names the student's folder like an attribute, a template, a shell command and a statement of SQL."""
    return short(desk.untouched())


@handed_in(statuses={"unreadable"})
def scripts_in_a_file_beside(desk, folder):
    """Hands in no notebook but files named like scripts, which the sentence lists."""
    for name in (f"<svg onload={PWNED}>", f"[x](javascript:{PWNED})", f"{STEM}.ipynb.html"):
        (folder / name).write_text(f"<script>{PWNED}</script>")


def base64_of(content):
    return base64.b64encode(content).decode()


def png(width, height):
    file = io.BytesIO()
    Image.new("1", (width, height)).save(file, "PNG")
    return file.getvalue()


@handed_in()
def scripts_that_say_they_are_pictures(desk, folder):
    """Pastes SVG, HTML and a picture with a script behind it, beside the text and inside, under false kinds and names."""
    new, scripts = short(desk.untouched()), [script.encode() for script in SCRIPTS]
    svg = f"<svg xmlns='http://www.w3.org/2000/svg' onload='{PWNED}'><script>{PWNED}</script></svg>".encode()
    contents = [svg, *scripts, png(9, 9) + svg, b"GIF89a/*" + svg + b"*/=1;" + PWNED.encode()]
    kinds = ("image/png", "image/svg+xml", "text/html", "application/javascript", f'image/png" onerror="{PWNED}')
    beside = {f"{number}\" onerror={PWNED} .png": {kind: base64_of(content)}
              for number, (content, kind) in enumerate(itertools.product(contents, kinds))}
    links = [f"![{name}](<attachment:{name}>)" for name in beside]
    inside = [f"data:{kind};base64,{base64_of(content)}" for content in contents for kind in kinds]
    links += [form % uri for uri in inside for form in ("![x](%s)", '<img src="%s" alt="x">', "[x](%s)", "![x][y]\n\n[y]: %s\n\n")]
    links += [f"![x](data:image/svg+xml;utf8,{svg.decode()})", f"<img src='attachment:x' onerror={PWNED}>",
              f'![" onerror="{PWNED}](attachment:0)', f"![x](attachment:picture-1.png\"onerror={PWNED})", "&#xe000;0&#xe000;" * 100]
    cell = cell_of(new, "why_it_stalls")
    cell.source, cell.attachments = "<!-- gan_losses.why_it_stalls -->\n" + "\n\n".join(links), beside
    new.cells.insert(1, nbformat.v4.new_markdown_cell(cell.source, id="own", attachments=beside))
    return new


@handed_in()
def pictures_without_end(desk, folder):
    """Pastes pictures of a hundred megapixels, one at the bound again and again, and ten thousand small ones."""
    new = short(desk.untouched())
    uris = [f"data:image/png;base64,{base64_of(png(*size))}" for size in ((10_000, 10_000), (25_000, 16_000), (5_000, 5_000), (1, 1))]
    texts = [f"![x]({uri})" for uri in uris[:2]] + [f"![x]({uris[2]})"] * 40 + [f"![x]({uris[3]})"] * 10_000
    cell = cell_of(new, "why_it_stalls")
    cell.source = "<!-- gan_losses.why_it_stalls -->\n" + "\n".join(texts + ["![x][y]"] * 10_000) + f"\n\n[y]: {uris[3]}\n"
    return new


@handed_in()
def pictures_that_are_none(desk, folder):
    """Has attachments that are lists, numbers and nests, and data that is cut off, percent-encoded, or no base64."""
    new = json.loads(json.dumps(short(desk.untouched())))
    values = [None, 7, [], "x", {}, {"image/png": None}, {"image/png": [7, ["x"]]}, {"image/png": {"a": "b"}}, {"image/png": "\ud800"},
              {"image/png": base64_of(png(9, 9))[:-20]}, {"": ""}]
    cell = next(cell for cell in new["cells"] if cell["id"] == "why_it_stalls")
    cell["attachments"] = {str(number): value for number, value in enumerate(values)}
    cell["source"] += "".join(f"\n\n![x](attachment:{number})" for number in range(20))
    cell["source"] += "\n\n![x](data:image/png;base64,%zz%0) ![x](data:image/png;base64,\ud800) <img src='data:image/png;base64,A\nA'>"
    for number, other in enumerate(new["cells"][:20]):
        if other["cell_type"] == "markdown":
            other["attachments"], other["source"] = values[number % len(values)], other["source"] + "\n![x](attachment:1)"
    return json.dumps(new).encode()


@handed_in()
def texts_that_take_long_to_read(desk, folder):
    """Has texts on which an expression that looks for pictures and links, or for the chapter's page, would not end."""
    new = short(desk.untouched())
    texts = ("![" * 500_000, "](" + " " * 500_000, "[a]:" + " " * 500_000, "<img " + "src=" * 500_000, "![" + "[a]" * 300_000,
             "student notebook of [](" + "w" * 500_000, "![a](attachment:" + "(a)" * 300_000, "\"data:image/png;base64," * 50_000)
    new.cells[1:1] = [nbformat.v4.new_markdown_cell(text, id=f"text-{number}") for number, text in enumerate(texts)]
    return new
