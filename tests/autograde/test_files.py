"""A file that is put down is there whole, in the bytes that were asked for."""
import os
import stat

from autograde import files


def test_the_text_stands_there_as_it_is(tmp_path):
    files.put(tmp_path / "a.txt", "é 生成\r\n\n")
    assert (tmp_path / "a.txt").read_bytes() == "é 生成\r\n\n".encode()
    files.put(tmp_path / "a.txt", "no character \udcff")
    assert (tmp_path / "a.txt").read_bytes() == b"no character ?"
    files.put(tmp_path / "a.txt", b"\x00\xff")
    assert (tmp_path / "a.txt").read_bytes() == b"\x00\xff"
    assert os.listdir(tmp_path) == ["a.txt"]


def test_a_file_that_may_only_be_read_is_replaced(tmp_path):
    path = tmp_path / "timestamp.txt"
    path.write_text("old")
    path.chmod(0o444)
    files.put(path, "new")
    assert path.read_text() == "new"


def test_what_a_killed_process_left_is_in_nobodys_way(tmp_path):
    (tmp_path / ".a.txt.autograde-part").write_text("half of a fi")
    files.put(tmp_path / "a.txt", "all")
    assert {p.name: p.read_text() for p in tmp_path.iterdir()} == {"a.txt": "all"}


def test_what_killed_processes_left_below_a_folder_is_cleared_and_nothing_else(tmp_path, monkeypatch):
    folder = tmp_path / "ann" / "chapter"
    folder.mkdir(parents=True)
    monkeypatch.setattr(os, "replace", lambda *_: None)  # the moment at which it is killed
    files.put(folder / "a.txt", "whole, and not in place")
    others = {folder / name for name in ("a.part", ".b.txt.part", "autograde-part", ".ipynb_checkpoints")}
    for path in others:
        path.touch()
    (folder / ".c.autograde-part").mkdir()
    assert len(list(folder.iterdir())) == 6
    files.clear(tmp_path)
    assert set(folder.iterdir()) == {*others, folder / ".c.autograde-part"}
    files.clear(tmp_path / "not there")


def test_a_link_is_replaced_and_not_followed(tmp_path):
    (tmp_path / "elsewhere").write_text("kept")
    for name in ("a.txt", ".a.txt.autograde-part"):
        (tmp_path / name).symlink_to(tmp_path / "elsewhere")
    files.put(tmp_path / "a.txt", "new")
    assert (tmp_path / "elsewhere").read_text() == "kept"
    assert not (tmp_path / "a.txt").is_symlink() and (tmp_path / "a.txt").read_text() == "new"


def test_a_secret_is_its_owners_from_the_first_byte_on(tmp_path):
    files.put(tmp_path / "secret", "s", mode=0o600)
    assert stat.S_IMODE((tmp_path / "secret").stat().st_mode) == 0o600
