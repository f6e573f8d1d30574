"""Points without work: what compares, prints, or is read is changed from within."""
# The bodies are cells: what they name and leave behind stands in the notebook.
# ruff: noqa: B018, F821, F841
import nbformat

from .corpus import handed_in, hostile, notebook


@hostile()
def patched_assertions():
    """Makes every way to assert agree, and no assertion ever an error."""
    import builtins
    import unittest

    import numpy as np
    import torch
    torch.testing.assert_close = np.testing.assert_allclose = np.testing.assert_equal = lambda *_, **__: None
    for name in dir(unittest.TestCase):
        if name.startswith("assert"):
            setattr(unittest.TestCase, name, lambda *_, **__: None)
    builtins.AssertionError = type("AssertionError", (Warning,), {})


@hostile(answers=True, statuses={"graded", "crashed"})
def patched_torch():
    """Lets every comparison of torch agree, and answers with zeros."""
    import torch
    yes = lambda *_, **__: True
    for name in ("allclose", "equal", "isclose"):
        setattr(torch, name, yes)
        setattr(torch.Tensor, name, yes)
    torch.Tensor.__eq__ = torch.Tensor.__bool__ = torch.Tensor.any = torch.Tensor.all = yes
    torch.as_tensor = lambda *_, **__: torch.zeros(())
    answer = lambda *_: torch.zeros(())


@hostile(answers=True)
def patched_numpy():
    """Lets every comparison of NumPy agree, and answers with an array."""
    import numpy as np
    np.allclose = np.array_equal = np.isclose = np.all = lambda *_, **__: True
    answer = lambda *_: np.zeros(1)


@hostile(answers=True)
def agrees_with_everything():
    """Answers with an object that is equal to, close to and no different from anything."""
    class Agreeable:
        shape, dtype, ndim = (), None, 0

        def __eq__(self, other):
            return True

        def __getattr__(self, name):
            return self

        def __call__(self, *args, **kwargs):
            return self

        def __float__(self):
            return 0.0

        def __bool__(self):
            return True

        def __iter__(self):
            return iter((self, self))

        __lt__ = __le__ = __gt__ = __ge__ = __eq__
        __hash__ = object.__hash__
        __sub__ = __rsub__ = __add__ = __getitem__ = __call__

    answer = Agreeable()


@hostile(answers=True)
def tensor_that_agrees():
    """Answers with a subclass of Tensor that takes over every function of torch that meets it."""
    import torch

    class Agreeable(torch.Tensor):
        @classmethod
        def __torch_function__(cls, function, types, args=(), kwargs=None):
            if function.__name__ in ("detach", "clone", "cpu", "to", "contiguous", "as_subclass"):
                return args[0]
            return True

    def answer(*_):
        return torch.zeros(()).as_subclass(Agreeable)


@hostile(answers=True, statuses={"graded", "crashed"})
def lies_about_its_class():
    """Answers with an object that says it is a Tensor, a bool, a dict."""
    import torch

    class Liar:
        def __init__(self, kind):
            self.kind = kind

        @property
        def __class__(self):
            return self.kind

        def __getattr__(self, name):
            return lambda *_, **__: self

    answer = lambda *inputs: Liar((torch.Tensor, bool, dict)[len(inputs) % 3])


@hostile(statuses={"graded", "crashed"})
def overridden_builtins():
    """Replaces the built-in functions that a comparison uses."""
    import builtins
    builtins.isinstance = builtins.all = builtins.callable = lambda *_: True
    builtins.any = lambda *_: False
    builtins.zip = lambda *_, **__: iter(())
    builtins.sum = builtins.abs = builtins.max = lambda *_, **__: 0
    builtins.len = lambda _: 1


@hostile(statuses={"graded", "crashed"})
def overridden_imports():
    """Makes an import of anything return something that says yes."""
    import builtins
    import types
    from unittest import mock
    real = builtins.__import__

    def fake(name, *args, **kwargs):
        if name.startswith(("autograde", "solutions", "nbgrader", "safetensors")):
            return mock.MagicMock(name=name)
        return real(name, *args, **kwargs)

    builtins.__import__ = fake
    sys.modules["autograde.checks"] = sys.modules["solutions"] = types.ModuleType("solutions")


@hostile()
def prints_what_passing_looks_like():
    """Prints the lines of a pass, and shows full points as the value of a cell."""
    print("[passed] agrees with the formula (2 of 2)\n[passed] batches may differ in size (1 of 1)")
    print('{"passed": true, "points": 28, "score": 28}', flush=True)
    from IPython.display import display
    display({"text/plain": "28.0"}, raw=True)
    28.0


@hostile()
def patched_ipython():
    """Registers transformers and hooks of IPython and replaces do_execute, so that cells run as it likes."""
    shell = get_ipython()
    shell.ast_transformers = shell.input_transformers_post = [lambda *_: []]
    shell.kernel.do_execute = lambda *_, **__: {"status": "ok", "execution_count": 1}
    shell.events.register("pre_run_cell", lambda *_: None)
    shell.display_formatter.format = lambda *_: ({"text/plain": "28.0"}, {})
    import IPython.core.inputtransformer2 as transformer
    transformer.TransformerManager.transform_cell = lambda self, cell: "28.0"
    sys.displayhook = lambda *_: print("28.0")


@hostile()
def forged_kernel_messages():
    """Sends an execute_result and a reply with full points over a kernel's own sockets."""
    from ipykernel.kernelapp import IPKernelApp
    kernel = IPKernelApp.instance().kernel
    kernel.session.send(kernel.iopub_socket, "execute_result", {"data": {"text/plain": "28.0"}, "execution_count": 1})
    kernel.session.send(kernel.shell_stream, "execute_reply", {"status": "ok", "execution_count": 1})


@hostile(answers=True)
def patched_grader():
    """Looks for the grader's own modules in its process, and replaces what they do."""
    import torch
    for name, module in list(sys.modules.items()):
        if name.startswith("autograde"):
            for part in ("run", "assert_close", "check", "grade", "_difference", "go_through"):
                if hasattr(module, part):
                    setattr(module, part, lambda *_, **__: [])
            if hasattr(module, "_CHECKS"):
                module._CHECKS.clear()
                got("the checks")
    answer = lambda *_: torch.zeros(())


@hostile(statuses={"graded", "crashed"})
def patched_session():
    """Replaces how its process runs cells and finds names, so that every name is an answer that fits."""
    for thing in gc.get_objects():
        if type(thing).__name__ == "Session":
            type(thing).look = lambda self, name: (lambda *_: 0.0,)
            type(thing).run = lambda self, source: [{"output_type": "execute_result", "data": {"text/plain": "28.0"},
                                                     "metadata": {}, "execution_count": 1}]


@hostile(answers=True)
def looks_through_the_frames():
    """Walks up the frames of whoever calls it, for an expected value or a reference to return."""
    def answer(*inputs):
        frame, depth = sys._getframe(1), 0
        while frame and depth < 200:
            engine = frame.f_globals is not globals()  # the page's own cells have seeds of their own
            for name, value in [*frame.f_locals.items(), *frame.f_globals.items()] if engine else []:
                if name in ("expected", "reference", "mistakes", "check", "seed"):
                    got(name)
                    return value
            frame, depth = frame.f_back, depth + 1
        return 0.0


@hostile(answers=True)
def traces_every_call():
    """Sets a trace and a profile function, which keep every tensor that any other function returns."""
    seen = []

    def trace(frame, event, value):
        if event == "return" and type(value).__name__ == "Tensor":
            seen.append(value)
        return trace

    sys.setprofile(trace)
    sys.settrace(trace)
    threading.settrace(trace)
    answer = lambda *_: seen[-1] if seen else 0.0


@hostile(answers=True)
def searches_the_heap():
    """Asks the garbage collector for every function of an exercise's name, and answers with the one that is not its own."""
    import types

    def answer(*inputs):
        names = {"discriminator_loss", "generator_loss", "optimal_discriminator", "js_divergence", "train"}
        for thing in gc.get_objects():
            if isinstance(thing, types.FunctionType) and thing.__name__ in names and thing is not answer:
                got(thing)
                return thing(*inputs)
        return 0.0


@hostile(answers=True)
def reads_the_history():
    """Looks through the history of inputs and outputs and the cache of source lines for a check or an answer."""
    import linecache
    texts = [str(globals().get(name)) for name in ("In", "Out", "_ih", "_oh", "_i", "__")]
    texts += ["".join(lines) for _, _, lines, _ in (entry for entry in linecache.cache.values() if len(entry) == 4)]
    texts += [str(tried(lambda: list(get_ipython().history_manager.get_range())))]
    for text in texts:
        if "assert_" + "close" in text or "torch.xlogy" + "(p, p)" in text:
            got(text)
    answer = lambda *_: 0.0


@hostile(answers=True)
def foresees_the_inputs():
    """Draws the random inputs beforehand, for the seeds that come to mind, and would answer from a table."""
    import hashlib

    import torch
    titles = {"agrees with the formula": "discriminator_loss", "agrees with the formula ": "generator_loss"}

    def drawn(title, name, seed):
        digest = hashlib.sha256(f"gan_losses.{name}/{title}/{seed}".encode()).digest()
        generator = torch.Generator().manual_seed(int.from_bytes(digest[:7], "big"))
        return (2 * torch.randn(12, generator=generator)).flatten()[:3].tolist()

    table = [drawn(title, name, seed) for title, name in titles.items() for seed in ("", 0, 1, 42, None, "None")]

    def answer(*inputs):
        if any(abs(inputs[0].flatten()[0] - row[0]) < 1e-6 for row in table):
            got("the inputs were foreseen")
        return 0.0


def remembering(desk, version):
    """A notebook that prints the inputs that it was asked with: a second one could answer from that table."""
    code = f"""asked = []  # version {version}

def answer(*inputs):
    asked.append([x.flatten()[0].item() for x in inputs if hasattr(x, "flatten")])
    return 0.0
"""
    new = notebook(desk, code, answer="answer")
    new.cells.append(nbformat.v4.new_code_cell("print('asked', asked)", id="print"))
    return new


@handed_in()
def remembers_the_inputs(desk, folder):
    """Prints the inputs that it is asked with."""
    return remembering(desk, 1)


@handed_in()
def remembers_them_again(desk, folder):
    """Hands the same in once more: were the inputs the same, it could answer from a table."""
    return remembering(desk, 2)
