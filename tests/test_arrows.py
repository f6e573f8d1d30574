"""Who may know whom (the import arrows of the design), read from the code."""
import ast
import re
from pathlib import Path

import nbformat
import pytest

ROOT = Path(__file__).resolve().parent.parent
OURS = {"clipkit", "solutions", "autograde"}
MAY_KNOW = {
    "clipkit": set(),
    "solutions": {"clipkit"},
    "autograde/checks": {"clipkit", "solutions"},
    "autograde": {"autograde.checks"},
    "book/_ext": {"autograde"},
}


def imports(code: str) -> set[str]:
    """Absolute names that Python code imports."""
    found = set()
    for node in ast.walk(ast.parse(code)):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and not node.level:
            found.add(node.module)
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
