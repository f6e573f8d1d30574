"""What the README and the page for contributors show and say."""
import importlib.util
import re
from pathlib import Path

import clipkit
from autograde.__main__ import parser

ROOT = Path(__file__).resolve().parent.parent
README, CONTRIBUTING = ((ROOT / name).read_text(encoding="utf-8") for name in ("README.md", "CONTRIBUTING.md"))


def load(path: Path):
    spec = importlib.util.spec_from_file_location(path.stem, path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_clip_is_that_of_the_shipped_generator():
    made = load(ROOT / "book" / "readme_clip.py")
    there = clipkit.read_video(made.CLIP)
    assert there.shape == made.frames().shape
    assert (there - made.frames()).abs().mean() < 0.03, "run `make execute`"  # a GIF has 256 colours


def test_what_it_links_to_exists():
    for target in re.findall(r"\]\((?!https?:)([^)#]+)", README + CONTRIBUTING):
        assert (ROOT / target).exists(), target
    assert "](CONTRIBUTING.md)" in README


def test_its_commands_are_those_of_the_makefile_and_of_ci():
    makefile = (ROOT / "Makefile").read_text()
    for target in re.findall(r"^make (\w+)", README, re.M):
        assert f"\n{target}:" in makefile
    assert "make test" in README and "make test" in (ROOT / ".ci" / "run").read_text()
    assert ".venv/bin/python -m pytest -n 2 --dist loadfile" in README
    assert "$(PY) -m pytest -n 2 --dist loadfile" in makefile


def test_what_contributors_are_told_to_run_is_there():
    makefile = (ROOT / "Makefile").read_text()
    targets = set(re.findall(r"`make (\w+)", CONTRIBUTING))
    assert {"test", "check", "execute", "release"} <= targets
    assert not [target for target in targets if f"\n{target}:" not in makefile]
    tested = " ".join(re.findall(r"-m pytest ([^`]+)`", CONTRIBUTING)).split()
    assert all((ROOT / path).exists() for path in tested if path.startswith("tests/"))
    for words in re.findall(r"-m autograde ([^`]+)`", CONTRIBUTING):
        parser().parse_args(words.split())
    assert len(CONTRIBUTING.splitlines()) <= 90, "one page"
