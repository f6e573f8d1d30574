"""Files that appear whole or not at all."""
import os
import signal
import subprocess
import sys

import pytest

from clipkit.files import whole


def test_what_was_there_stays_until_the_block_has_ended(tmp_path):
    path = tmp_path / "new folder" / "file.txt"
    with whole(path) as aside:
        aside.write_text("first")
        assert not path.exists()
    with whole(str(path)) as aside:
        aside.write_text("second")
        assert path.read_text() == "first"
    assert path.read_text() == "second"
    assert [file.name for file in path.parent.iterdir()] == ["file.txt"]


def test_where_the_block_fails_nothing_is_lost_and_nothing_left(tmp_path):
    path = tmp_path / "file.txt"
    path.write_text("old")
    with pytest.raises(RuntimeError, match="disk full"), whole(path) as aside:
        aside.write_text("half")
        raise RuntimeError("disk full")
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_a_writer_that_is_killed_leaves_the_old_file_and_the_next_one_clears_up(tmp_path):
    path = tmp_path / "file.txt"
    path.write_text("old")
    code = ("import os, signal, sys\nfrom clipkit.files import whole\n"
            "with whole(sys.argv[1]) as aside:\n    aside.write_text('half')\n    os.kill(os.getpid(), signal.SIGKILL)\n")
    assert subprocess.run([sys.executable, "-c", code, str(path)]).returncode == -signal.SIGKILL
    assert path.read_text() == "old"
    with whole(path) as aside:
        aside.write_text("new")
    assert path.read_text() == "new"
    assert list(tmp_path.iterdir()) == [path]


def test_it_is_on_the_disk_before_it_takes_the_place(tmp_path, monkeypatch):
    done = []
    sync, replace = os.fsync, os.replace
    monkeypatch.setattr(os, "fsync", lambda file: (done.append("sync"), sync(file)))
    monkeypatch.setattr(os, "replace", lambda *paths: (done.append("replace"), replace(*paths)))
    with whole(tmp_path / "file.txt") as aside:
        aside.write_text("content")
    assert done == ["sync", "replace"]
