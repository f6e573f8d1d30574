"""Which files a chapter's outputs depend on."""
import subprocess
import sys

import pytest

from autograde.writing.dependencies import ROOT, files, fingerprint


def names(*cells):
    return {str(path.relative_to(ROOT)) for path in files(cells)}


@pytest.mark.parametrize("cell", [
    "from clipkit import Walkers", "import clipkit\nclipkit.Walkers(3)", "from clipkit.walkers import Walkers",
    "%matplotlib inline\nimport clipkit.walkers", "!pip install x\nimportlib.import_module('clipkit.walkers')"])
def test_every_way_to_reach_a_module_is_seen(cell):
    assert "clipkit/walkers.py" in names(cell)


def test_what_a_module_uses_counts_and_what_nobody_uses_does_not():
    used = names("from solutions.models.dcgan import recipe")
    assert {"solutions/training/train.py", "solutions/training/gan_step.py", "clipkit/checkpoint.py"} <= used
    assert "solutions/post_processing.py" not in used
    assert names("import torch\nx = 'clipkit'") == set()


def test_weights_count_where_their_file_is_named():
    assert "solutions/published/weights/clip_features.safetensors" in names("from solutions.measures.clip_features import load_features")


def test_nothing_that_python_itself_loads_is_forgotten():
    code = ("import sys, solutions.measures.clip_features\n"
            "print(*(name.replace('.', '/') + '.py' for name, module in sys.modules.items()"
            " if name.startswith('solutions.') and not hasattr(module, '__path__')))")  # a package is a map alone
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    assert set(loaded) <= names("import solutions.measures.clip_features")


def test_the_digest_follows_the_files(monkeypatch, tmp_path):
    from autograde.writing import dependencies

    (tmp_path / "clipkit").mkdir()
    (tmp_path / "clipkit" / "__init__.py").write_text("")
    (tmp_path / "clipkit" / "one.py").write_text("x = 1")
    monkeypatch.setattr(dependencies, "ROOT", tmp_path)
    dependencies._exports.cache_clear()
    before = fingerprint(["import clipkit.one"])
    assert fingerprint(["import clipkit.one"]) == before
    (tmp_path / "clipkit" / "one.py").write_text("x = 2")
    assert fingerprint(["import clipkit.one"]) != before
    dependencies._exports.cache_clear()
