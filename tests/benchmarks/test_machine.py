"""The machine that figures are kept with."""
import json
import os

import pytest

from benchmarks import machine


def test_the_machine_is_described_without_a_name():
    found = machine.describe()
    assert found["cores"] == os.cpu_count() and found["cpu"] and found["torch"]
    assert os.uname().nodename not in json.dumps(found)


def test_what_is_kept_is_found_again_with_its_command(tmp_path, monkeypatch):
    monkeypatch.setattr(machine, "FIGURES", tmp_path / "figures")
    machine.keep("speed", {"ms": 1})
    path = machine.keep("speed", {"ms": 2})
    assert machine.kept("speed") == {"command": "python -m benchmarks.speed", "machine": machine.describe(), "ms": 2}
    assert [p.name for p in path.parent.iterdir()] == ["speed.json"]
    with pytest.raises(FileNotFoundError, match="run python -m benchmarks.size"):
        machine.kept("size")
