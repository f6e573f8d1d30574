"""Stopping the run, the machine or a neighbour: ends, signals, loops, bombs, and what outlives its notebook.

Every bomb has a brake of its own: should the sandbox fail, the machine stands.
"""
# The bodies are cells: what they name and leave behind stands in the notebook.
# ruff: noqa: B018, B023, E722, F821, F841
import nbformat

from tests.autograde.desk import cell_of

from .corpus import handed_in, hostile, notebook

ENDS = {"graded", "crashed", "timed_out"}


# Ends

@hostile(solves=("generator_loss",), earned=3)
def exits_politely():
    """Raises SystemExit."""
    sys.exit(0)


@hostile(answers=True, solves=("generator_loss",), earned=3, statuses=ENDS)
def answers_with_exits():
    """Raises SystemExit, KeyboardInterrupt, GeneratorExit, BaseException in turn where it is asked."""
    turns = [SystemExit(0), KeyboardInterrupt(), GeneratorExit(), BaseException("out"), StopIteration(), MemoryError()]

    def answer(*inputs):
        turns.append(turns.pop(0))
        raise turns[-1]


@hostile(statuses={"crashed"})
def exits_at_once():
    """Ends its process without a word."""
    os._exit(0)


@hostile(answers=True, solves=("discriminator_loss",), earned=4, statuses={"crashed"})
def exits_when_asked():
    """Ends its process at the first answer that it cannot give; what it had solved before counts."""
    answer = lambda *_: os._exit(0)


@hostile(statuses={"crashed", "graded"})
def aborts():
    """Calls abort()."""
    os.abort()


@hostile(statuses={"crashed"})
def segfaults():
    """Reads at address 0."""
    ctypes.string_at(0)


@hostile(statuses=ENDS)
def overflows_the_stack():
    """Recurses without end, first in Python and then with the limit taken away."""
    sys.setrecursionlimit(10 ** 9)
    f = lambda g: g(g)
    f(f)


@hostile(statuses={"crashed", "timed_out", "graded"})
def kills_its_parent():
    """Sends SIGKILL, SIGSTOP and SIGTERM to the process that started it, and stops itself."""
    parent = os.getppid()
    for which in (signal.SIGTERM, signal.SIGSTOP, signal.SIGKILL):
        if parent > 1:
            tried(os.kill, parent, which)
    os.kill(os.getpid(), signal.SIGSTOP)


@hostile(statuses=ENDS)
def kills_whoever_it_finds():
    """Sends SIGKILL to every process that there may be, one after the other and all at once."""
    for pid in range(1, 70_000):
        if pid != os.getpid():
            tried(os.kill, pid, signal.SIGKILL)
    tried(os.kill, -1, signal.SIGKILL)
    tried(os.killpg, os.getpgid(0), 0)


@hostile(statuses=ENDS)
def slows_others_down():
    """Gives every other process no files, no cores and the lowest priority."""
    import resource
    for pid in range(1, 70_000):
        if pid != os.getpid():
            ways = {"limits": lambda: resource.prlimit(pid, resource.RLIMIT_NOFILE, (0, 0)) or True,
                    "cores": lambda: os.sched_setaffinity(pid, {0}) is None, "pause": lambda: os.kill(pid, signal.SIGSTOP) is None,
                    "priority": lambda: os.setpriority(os.PRIO_PROCESS, pid, 19) is None}
            for name, way in ways.items():
                if tried(way):
                    got(f"the {name} of {pid}")


@hostile(answers=True)
def errors_that_bite():
    """Raises errors whose text cannot be had, is endless, or whose name is that of another."""
    class Silent(Exception):
        def __str__(self):
            raise KeyboardInterrupt

        __repr__ = __str__

    class Endless(Exception):
        def __str__(self):
            return "x" * 50_000_000

    names = [type(name, (Exception,), {}) for name in ("ExceptionGroup", "ProbeError", "Wrong", "Ended", "x" * 10_000)]
    kinds = [Endless, *names, lambda: UnicodeDecodeError("utf-8", b"", 0, 1, "x"), lambda: ExceptionGroup("g", [Silent()])]

    def answer(*inputs):
        kinds.append(kinds.pop(0))
        raise kinds[-1]()


# Loops

@hostile(solves=("generator_loss",), earned=3, statuses={"graded", "timed_out"})
def loops():
    """Never ends one cell."""
    while True:
        pass


@hostile(statuses={"timed_out", "graded", "crashed"})
def loops_on_through_signals():
    """Ignores every signal that can be ignored, swallows every exception, and takes the timer away."""
    for which in signal.valid_signals():
        tried(signal.signal, which, signal.SIG_IGN)
    while True:
        try:
            signal.setitimer(signal.ITIMER_REAL, 0)
            while True:
                pass
        except:
            pass


@hostile(statuses={"timed_out", "graded", "crashed"})
def hangs_within_c():
    """Waits in a C function, with the signals blocked, where no exception of Python can reach it."""
    signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals())
    ctypes.CDLL(None).sleep(10_000)


@hostile(answers=True, solves=("discriminator_loss",), earned=4, statuses={"timed_out", "graded", "crashed"})
def hangs_when_asked():
    """Is right once, and then never answers again."""
    def answer(*inputs):
        signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals())
        ctypes.CDLL(None).sleep(10_000)


@hostile(statuses={"timed_out", "graded"})
def a_value_that_never_ends():
    """Ends its cell with an object whose text takes forever, and deletes one whose end does."""
    class Slow:
        def __repr__(self):
            time.sleep(10_000)

        __del__ = __repr__

    Slow()


# Bombs

@hostile(statuses=ENDS)
def fork_bomb():
    """Forks as often as it can; each child ends after five seconds."""
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    until, started = time.monotonic() + 5, 0
    while time.monotonic() < until and started < 2000:
        pid = tried(os.fork)
        if pid == 0:
            time.sleep(max(0, until - time.monotonic()))
            os._exit(0)
        started += pid is not None
        time.sleep(0.005 if pid is None else 0)
    if started > 1000:
        got(f"{started} processes")


@hostile(statuses=ENDS)
def thread_bomb():
    """Starts as many threads as it can; each ends after three seconds."""
    started = 0
    for _ in range(3000):
        started += tried(threading.Thread(target=time.sleep, args=(3,), daemon=True).start) is None
        if started != _ + 1:
            break
    if threading.active_count() > 1000:
        got(f"{threading.active_count()} threads")


@hostile(statuses=ENDS)
def memory_bomb():
    """Takes memory until there is none; at most 8 GB."""
    held = []
    while len(held) < 32:
        held.append(bytearray(b"x") * 250_000_000)
    got("8 GB")


@hostile(statuses=ENDS)
def memory_bomb_of_many():
    """Takes memory in many processes, which threads have forked, a part in each; at most 8 GB in all, for four seconds."""
    started = []

    def start():
        pid = os.fork()
        if pid == 0:
            try:
                held = bytearray(b"x") * 400_000_000
                time.sleep(4)
            finally:
                os._exit(0)
        started.append(pid)

    for _ in range(20):
        thread = threading.Thread(target=tried, args=(start,))
        thread.start()
        thread.join()
        time.sleep(0.1)
    time.sleep(0.5)
    if len(started) == 20 and all(os.waitpid(pid, os.WNOHANG) == (0, 0) for pid in started):
        got("8 GB")


@hostile(statuses=ENDS)
def memory_bomb_unseen():
    """Takes shared memory and forgets that it has it, so that no count of a process shows it; at most 6 GB."""
    import mmap
    held = mmap.mmap(-1, 6 << 30)
    for offset in range(0, 6 << 30, 64 << 20):
        held[offset:offset + (64 << 20)] = bytes(64 << 20)
        held.madvise(mmap.MADV_DONTNEED, offset, 64 << 20)
        if offset % (1 << 30) == 0:
            time.sleep(0.15)
    got("6 GB")


@hostile(statuses=ENDS)
def memory_bomb_of_copies():
    """Forks, and lets each child write on what it has inherited, so that a copy is made; for three seconds."""
    import resource
    reader, writer = os.pipe()
    gc.unfreeze()
    for _ in range(45):
        if tried(os.fork) == 0:
            try:
                held = gc.get_objects()
                gc.collect()
                os.write(writer, struct.pack("q", resource.getrusage(resource.RUSAGE_SELF).ru_minflt))
                time.sleep(3)
            finally:
                os._exit(0)
    os.close(writer)
    faults = b"".join(iter(lambda: os.read(reader, 8), b""))
    copied = sum(struct.unpack(f"{len(faults) // 8}q", faults)) * 4096
    if copied > 5_000_000_000:
        got(f"{copied} bytes")


@hostile(statuses=ENDS)
def memory_bomb_of_page_tables():
    """Reads one byte of every two megabytes of a mapping without end, so that the system keeps tables of it; at most 3 TB."""
    libc = ctypes.CDLL(None, use_errno=True)
    libc.mmap.restype, read, size = ctypes.c_void_p, 0, 3 << 40
    libc.mmap.argtypes = [ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int, ctypes.c_int, ctypes.c_int, ctypes.c_long]
    start = libc.mmap(None, size, 1, 0x4022, -1, 0)  # PROT_READ; private, anonymous, no swap kept
    if start and start != 2 ** 64 - 1:
        for offset in range(0, size, 2 << 20):
            ctypes.c_byte.from_address(start + offset).value
        got("6 GB of tables")


@hostile(statuses=ENDS)
def disk_bomb():
    """Fills its folder, and /dev/shm; at most 3 GB."""
    written, block = 0, bytes(50_000_000)
    for place in (".", "/dev/shm", "/tmp", "/var/tmp"):
        for _ in range(60):
            if written < 3_000_000_000 and tried(lambda: pathlib.Path(place, f"pwned-{TOKEN}-{written}").write_bytes(block)):
                written += len(block)
    if written > 1_000_000_000:
        got(f"{written} bytes")


@hostile(statuses=ENDS)
def a_bomb_of_empty_files():
    """Makes as many files, in folders as deep, as it can; at most 100,000, for three seconds."""
    until, made = time.monotonic() + 3, 0
    while made < 100_000 and time.monotonic() < until:
        if tried(lambda: pathlib.Path(f"file-{made}").touch()) is None and not pathlib.Path(f"file-{made}").exists():
            break
        made += 1
    for _ in range(500):
        tried(lambda: (os.mkdir("d" * 200), os.chdir("d" * 200)))
    if made > 50_000:
        got(f"{made} files")


@hostile(statuses=ENDS)
def folders_without_end():
    """Makes folders in folders, deeper than a program that follows them can go back."""
    for _ in range(15_000):
        os.mkdir("d")
        os.chdir("d")


@hostile()
def output_bomb():
    """Prints without measure, to both streams, as a value, as an error and as warnings."""
    import warnings
    for _ in range(200):
        print("x" * 1_000_000)
        print("y" * 1_000_000, file=sys.stderr)
        warnings.warn("z" * 100_000, stacklevel=1)
    raise ValueError("v" * 100_000_000)


@hostile(statuses=ENDS)
def compression_bomb():
    """Unpacks a hundred bytes into gigabytes; at most 6 GB."""
    import zlib
    packed = zlib.compress(bytes(300_000_000))
    held = [zlib.decompress(packed) + b"x" for _ in range(20)]
    got("6 GB")


@hostile(statuses=ENDS)
def busy_neighbour():
    """Keeps every core busy with sixty processes for four seconds, at the highest priority that it can get."""
    tried(os.nice, -20)
    tried(lambda: os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(50)))
    until = time.monotonic() + 4
    for _ in range(60):
        if tried(os.fork) == 0:
            while time.monotonic() < until:
                pass
            os._exit(0)


# What outlives

@hostile(statuses=ENDS)
def daemon():
    """Leaves a process behind that has left its group and its session, with a file to prove it."""
    if os.fork() == 0:
        os.setsid()
        if os.fork() == 0:
            signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals())
            for _ in range(120):
                time.sleep(0.5)
            os._exit(0)
        os._exit(0)


@hostile(statuses={"crashed", "graded", "timed_out"})
def daemon_that_holds_the_wire():
    """Ends, while a child keeps every descriptor open, so that whoever reads waits on."""
    if os.fork() == 0:
        os.setsid()
        for _ in range(120):
            time.sleep(0.5)
        os._exit(0)
    os._exit(0)


@hostile()
def threads_that_go_on():
    """Leaves threads, a timer and an exit handler that go on after its cell and try to answer in its place."""
    import atexit
    atexit.register(lambda: time.sleep(10_000))
    timer = threading.Timer(10_000, print)
    timer.start()

    def go_on():
        while True:
            time.sleep(0.01)
            print("[passed] " * 100)

    threading.Thread(target=go_on, daemon=False).start()


@hostile()
def leaves_shared_memory():
    """Leaves a System V segment, a semaphore, a message queue and a POSIX segment behind."""
    from multiprocessing import shared_memory
    libc = ctypes.CDLL(None, use_errno=True)
    key = int(TOKEN[:7], 16)
    libc.shmget(key, 4096, 0o1666)
    libc.semget(key, 1, 0o1666)
    libc.msgget(key, 0o1666)
    tried(shared_memory.SharedMemory, f"pwned-{TOKEN}", True, 4096)
    tried(lambda: os.open(f"/dev/mqueue/pwned-{TOKEN}", os.O_CREAT | os.O_RDWR))


@hostile(statuses=ENDS)
def changes_its_process():
    """Changes its own limits, mask, name, working folder, locale, threads and defaults of torch, as if to stay."""
    import resource

    import torch
    for which in (resource.RLIMIT_CPU, resource.RLIMIT_DATA, resource.RLIMIT_NPROC, resource.RLIMIT_FSIZE):
        tried(resource.setrlimit, which, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
        if resource.getrlimit(which)[0] == resource.RLIM_INFINITY:
            got(which)
    os.umask(0o777)
    ctypes.CDLL(None).prctl(15, b"autograde", 0, 0, 0)
    torch.set_default_dtype(torch.float16)
    torch.use_deterministic_algorithms(True)
    torch.set_grad_enabled(False)
    sys.stdout.close()
    os.chdir("/")


@handed_in(statuses=("graded", "timed_out"), earned=0)
def a_loop_in_every_cell(desk, folder):
    """Loops in each of thirty cells, so that the time of each cell adds up."""
    new = notebook(desk, "pass")
    new.cells[2:2] = [nbformat.v4.new_code_cell("while True: pass", id=f"loop-{i}") for i in range(30)]
    cell_of(new, "generator_loss").source = "while True: pass"
    return new


# Breaking the course, or what looks like it: no grade is no way out of a bad one, and no points

@hostile(solves=("generator_loss",), statuses={"broken"})
def takes_away_what_a_given_cell_needs():
    """Makes a cell fail that nobody may edit, as if the course were broken."""
    import clipkit
    clipkit.pick = None


@hostile(statuses={"crashed"})
def ends_in_a_given_cell():
    """Ends its process at the moment when a cell runs that nobody may edit."""
    import clipkit
    clipkit.pick = lambda *_, **__: os._exit(1)


@hostile(statuses={"timed_out", "crashed"})
def hangs_in_a_given_cell():
    """Waits in a C function, with the signals blocked, when a cell runs that nobody may edit."""
    import clipkit

    def wait(*_, **__):
        signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals())
        ctypes.CDLL(None).sleep(10_000)
    clipkit.pick = wait
