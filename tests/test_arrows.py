"""Who may know whom (the import arrows of the design), read from the code."""
import ast
import re
from pathlib import Path

import nbformat
import pytest

ROOT = Path(__file__).resolve().parent.parent
CHAPTERS = [path.stem[3:] for path in sorted((ROOT / "book").glob("[0-9][0-9]_*.md"))]
OURS = {"clipkit", "solutions", "autograde"}
MAY_KNOW = {
    "clipkit": set(),
    "solutions": {"clipkit"},
    "autograde/checks": {"clipkit", "solutions"},
    "autograde": {"autograde.checks"},
    "book/_ext": {"autograde"},
}


def imports(code: str, *, members: bool = False) -> set[str]:
    """Absolute names that Python code imports.

    With `members`, "solutions.models.registry" for `from solutions.models import registry`.
    """
    found = set()
    for node in ast.walk(ast.parse(code)):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and not node.level:
            found |= {f"{node.module}.{alias.name}" for alias in node.names} if members else {node.module}
        elif isinstance(node, ast.ImportFrom):  # relative: "from ..x import y" leaves its own folder
            found.add("." * node.level + (node.module or ""))
    return found


@pytest.mark.parametrize("folder", MAY_KNOW)
def test_imports_follow_the_arrows(folder):
    inside = [p for p in (ROOT / folder).rglob("*.py") if folder != "autograde" or "checks" not in p.parts]
    assert inside
    package = folder.replace("/", ".")
    for path in inside:
        for name in imports(path.read_text(encoding="utf-8")):
            if name.split(".")[0] not in OURS:
                continue
            allowed = any(name == p or name.startswith(f"{p}.") for p in (*MAY_KNOW[folder], package))
            assert allowed, f"{path.relative_to(ROOT)} imports {name}"


def test_one_module_a_chapter():
    """Directly in solutions/ stands the answer of each chapter, as its check does in autograde/checks/, and nothing else."""
    modules = {path.stem for path in (ROOT / "solutions").glob("*.py")}
    assert modules - {"__init__", "__main__"} == set(CHAPTERS)
    assert set(CHAPTERS) <= {path.stem for path in (ROOT / "autograde" / "checks").glob("*.py")}


def packages() -> dict[str, tuple[set[str], set[str]]]:
    """Package of solutions -> the packages and the answers that it may know, as the docstring of solutions says."""
    table = [re.split(r"  +", line.strip()) for line in ast.get_docstring(
        ast.parse((ROOT / "solutions" / "__init__.py").read_text())).splitlines() if line.startswith("    ")][1:]
    named = lambda words: set(words.replace("-", "").split(", ")) - {""}
    return {name: (named(others), set(CHAPTERS) if answers == "any chapter" else named(answers))
            for name, _, others, answers in table}


def test_every_package_of_solutions_draws_its_map():
    assert set(packages()) == {path.parent.name for path in (ROOT / "solutions").glob("*/__init__.py")} - {"weights"}
    for name in packages():
        folder = ROOT / "solutions" / name
        assert len(ast.parse((folder / "__init__.py").read_text()).body) == 1, f"{name}: a map, and no code"
        drawn = re.findall(r"^ *(\w+)/?  +\S", ast.get_docstring(ast.parse((folder / "__init__.py").read_text())), re.M)
        there = {path.stem for path in folder.iterdir() if path.suffix == ".py" or any(path.glob("*.safetensors"))}
        assert sorted(drawn) == sorted(there - {"__init__"}), name


@pytest.mark.parametrize("name", [*packages(), "chapters"])
def test_packages_of_solutions_know_what_they_may(name):
    if name == "chapters":
        inside = [ROOT / "solutions" / f"{chapter}.py" for chapter in CHAPTERS]
        others, answers = {"networks", "training", "measures"}, set(CHAPTERS)
    else:
        inside, (others, answers) = list((ROOT / "solutions" / name).glob("*.py")), packages()[name]
    known = {path: {line.split(".")[1] for line in imports(path.read_text(encoding="utf-8"), members=True)
                    if line.startswith("solutions.")} for path in inside}
    for path, names in known.items():
        assert names <= others | answers | {name}, f"{path.relative_to(ROOT)} imports {names - others - answers - {name}}"
        if name == "chapters":  # a chapter stands on those before it
            own = CHAPTERS.index(path.stem)
            assert not names & set(CHAPTERS[own:]), path
    if name != "chapters" and answers != set(CHAPTERS):  # and no more is allowed than is needed
        assert set().union(*known.values()) - {name} == others | answers


def test_checks_know_no_notebooks():
    for path in (ROOT / "autograde" / "checks").rglob("*.py"):
        names = {name.split(".")[0] for name in imports(path.read_text(encoding="utf-8"))}
        assert not names & {"nbformat", "nbgrader", "nbclient", "jupytext"}, path
        assert not any(name.startswith("..") for name in imports(path.read_text(encoding="utf-8"))), path


def test_student_notebooks_know_clipkit_alone():
    notebooks = list((ROOT / "notebooks").glob("*.ipynb"))
    assert notebooks
    for path in notebooks:
        for cell in nbformat.read(path, as_version=4).cells:
            if cell.cell_type == "code":
                code = re.sub(r"^(\s*)%.*$", r"\1pass", cell.source, flags=re.M)
                assert not {n.split(".")[0] for n in imports(code)} & {"solutions", "autograde"}, path


def test_clipkit_installs_alone():
    text = (ROOT / "clipkit" / "pyproject.toml").read_text()
    assert not re.search(r"jupyter-book|nbgrader|solutions|autograde", text.split("[project]")[1])


def test_both_distributions_have_one_version():
    version = (ROOT / "VERSION").read_text().strip()
    assert f'version = "{version}"' in (ROOT / "clipkit" / "pyproject.toml").read_text()
    assert version in (ROOT / "CHANGELOG.md").read_text()
