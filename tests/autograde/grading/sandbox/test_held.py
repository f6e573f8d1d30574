"""What a submission holds is counted, whoever of its processes holds it, and all of it is ended."""
import mmap
import os
import signal
import sys
from pathlib import Path

import pytest

from autograde.grading.sandbox import held, root, walls

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="the sandbox's layers are Linux's")
PRIVATE = mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS  # malloc might give what was freed before a fork: inherited, not taken


def _written(memory: mmap.mmap) -> mmap.mmap:
    """The memory, every page of it written on, so that the system has to give it."""
    memory[::4096] = bytes(len(memory[::4096]))
    return memory


def test_memory_counts_descendants_and_not_what_they_inherited():
    """The 200 MB that the parent shares are no memory of a fork that leaves them alone, and hide nothing of what it takes."""
    proc, reader_writer, shared = walls.open_proc(), os.pipe(), _written(mmap.mmap(-1, 200_000_000))
    inherited = held.inheritable(proc)
    assert inherited > 1_000_000
    pid = os.fork()
    if pid == 0:
        grandchild = os.fork()
        taken = _written(mmap.mmap(-1, 50_000_000, PRIVATE))
        os.write(reader_writer[1], taken[:1])
        os.read(os.pipe()[0], 1) if grandchild == 0 else os.waitpid(grandchild, 0)
        os._exit(0)
    os.read(reader_writer[0], 1), os.read(reader_writer[0], 1)
    counted = held.memory(pid, proc, inherited=inherited)
    (child,) = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    for one in (int(child), pid):
        os.kill(one, 9)
    os.waitpid(pid, 0)
    shared.close()
    assert 95_000_000 < counted < 140_000_000
    assert held.memory(pid, proc) == 0, "it has ended"


def test_copies_that_forks_make_of_what_they_inherited_are_counted(monkeypatch):
    """Three forks write on the 60 MB that they share: then there are 180 MB more, and no fork has taken any."""
    proc, (reader, writer) = walls.open_proc(), os.pipe()
    inherited = held.inheritable(proc) + 60_000_000
    pid = os.fork()
    if pid == 0:
        taken = _written(mmap.mmap(-1, 60_000_000, PRIVATE))
        if any(os.fork() == 0 for _ in range(3)):  # a fork forks no more
            _written(taken)
        os.write(writer, b"x")
        signal.pause()
    for _ in range(4):
        os.read(reader, 1)
    monkeypatch.setattr(walls, "MEMORY_BYTES", 150_000_000)
    tables = 4 * inherited // 512  # of four processes: 8 bytes for each page of 4,096, which a fork copies
    assert held.memory(pid, proc, inherited=inherited) < 50_000_000 + tables  # what Python itself touches is some
    assert held.takes_too_much(pid, proc, inherited)
    monkeypatch.setattr(walls, "MEMORY_BYTES", inherited + 240_000_000)
    assert not held.takes_too_much(pid, proc, inherited)
    for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split():
        os.kill(int(child), 9)
    os.kill(pid, 9)
    os.waitpid(pid, 0)


def test_more_files_than_a_private_folder_would_hold_are_too_much(tmp_path, monkeypatch):
    """Counted are blocks on the disk, not the size that a file with holes says."""
    monkeypatch.setattr(root, "WORK_BYTES", 3_000_000)
    monkeypatch.setattr(root, "WORK_FILES", 20)
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "two").write_bytes(b"x" * 2_000_000)
    with open(tmp_path / "with a hole", "wb") as file:
        file.truncate(1_000_000_000)
    (tmp_path / "link").symlink_to("/usr")
    assert not held.writes_too_much(str(tmp_path))
    (tmp_path / "a" / "more").write_bytes(b"x" * 2_000_000)
    assert held.writes_too_much(str(tmp_path))
    (tmp_path / "a" / "more").unlink()
    for number in range(20):
        (tmp_path / f"{number}").touch()
    assert held.writes_too_much(str(tmp_path))
    assert not held.writes_too_much(str(tmp_path / "gone"))


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become another user")
def test_all_processes_of_a_user_are_ended_at_one_stroke():
    pid = os.fork()
    if pid == 0:
        walls.become_nobody(os.getpid())
        os.setsid()
        signal.pause()
    os.kill(pid, 0)
    while Path(f"/proc/{pid}/status").read_text().split("Uid:\t")[1].startswith("0\t"):
        pass
    held.end_user(pid)
    assert os.WTERMSIG(os.waitpid(pid, 0)[1]) == signal.SIGKILL
