"""Records pass through a file: what comes out is the list, in order, as JSON."""
import io
import json
import random

import pytest

from autograde.spool import Spool


def records(count):
    return [{"student": f"s{i % 7}\n", "chapter": f"{i // 7:02}", "said": "é 生成 \u2028 \n", "exercises": [], "score": i / 3}
            for i in range(count)]


@pytest.mark.parametrize("count", [0, 1, 40])
def test_what_comes_out_is_the_list_in_order(tmp_path, count):
    expected, spool = records(count), Spool(io.BytesIO())
    for record in random.Random(0).sample(expected, count):
        spool.add(record)
    spool.put(tmp_path / "grades.json")
    assert (tmp_path / "grades.json").read_text(encoding="utf-8") == json.dumps(expected, indent=1, ensure_ascii=False) + "\n"


def test_half_a_letter_stops_nothing(tmp_path):
    spool = Spool(io.BytesIO())
    for student in ("ben", "ann"):
        spool.add({"student": student, "chapter": "02", "said": "\ud800"})
    spool.put(tmp_path / "grades.json")
    assert [r["student"] for r in json.loads((tmp_path / "grades.json").read_text())] == ["ann", "ben"]
