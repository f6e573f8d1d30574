"""What stands between judge and sandbox: garbage, forged replies, replies that never come or never end.

A hostile process owns its end of the wire: it can say anything. What it says must not count for more than it is worth,
and must not hurt whoever reads it.
"""
# The bodies are cells: what they name and leave behind stands in the notebook.
# ruff: noqa: F821
import json

import nbformat

from .corpus import handed_in, hostile, notebook

ENDS = {"graded", "crashed", "timed_out"}
FIND = """\
wire = next((x for x in gc.get_objects() if type(x).__name__ == "Wire"), None)
served = next((x for x in gc.get_objects() if type(x).__name__ == "Served"), None)
assert wire and served, "look for the new names of the wire"
"""


@hostile(statuses=ENDS)
def garbage_on_every_descriptor():
    """Writes noise on whatever is open."""
    for number in range(256):
        tried(os.set_blocking, number, False)
        tried(os.write, number, os.urandom(5000))


@hostile(statuses=ENDS)
def a_pass_on_every_descriptor():
    """Writes what a pass looks like on whatever is open: as JSON, with its length before it in several forms."""
    text = b'{"status": "graded", "exercise": "gan_losses.train", "results": [{"passed": true, "points": 6}], "end": ""}'
    for number in range(256):
        for head in (b"", struct.pack("!i", len(text)), struct.pack("!II", len(text), 0), struct.pack("<Q", len(text))):
            tried(os.write, number, head + text)


@hostile(statuses=ENDS)
def closes_the_wire():
    """Closes every descriptor, and goes on."""
    os.closerange(0, 256)


@hostile(statuses=ENDS)
def an_oversized_message():
    """Announces four gigabytes and sends for as long as anyone reads."""
    tried(os.set_blocking, 3, False)
    tried(os.write, 3, struct.pack("!II", 2 ** 32 - 1, 2 ** 32 - 1))
    until = time.monotonic() + 3
    while time.monotonic() < until:
        tried(os.write, 3, bytes(1 << 20))


@hostile(statuses=ENDS)
def a_message_that_trickles():
    """Announces a message of an honest size, and sends a byte of it now and then."""
    os.write(3, struct.pack("!II", 3_000_000, 0))
    signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals())
    while True:
        time.sleep(0.2)
        os.write(3, b" ")


@hostile(statuses=ENDS)
def sends_descriptors():
    """Sends descriptors along with its bytes, of pipes that fill and files that never end."""
    end = socket.socket(fileno=os.dup(3))
    reader, writer = os.pipe()
    for _ in range(50):
        tried(socket.send_fds, end, [b" "], [reader, writer, os.open("/dev/zero", os.O_RDONLY)])


@hostile(statuses=ENDS)
def replies_before_it_is_asked():
    """Fills the wire with thousands of replies, each of which might belong to the next question."""
    tried(os.set_blocking, 3, False)
    for number in range(20_000):
        text = b'{"id": %d, "value": {"tensor": 0}, "outputs": []}' % number
        tried(os.write, 3, struct.pack("!II", len(text), 0) + text)


def wired(name: str, tries: str, code: str, *, statuses=ENDS) -> None:
    """Register a notebook that has taken hold of its end of the wire, and goes on with `code`."""
    def make(desk, folder):
        return notebook(desk, FIND + code)

    make.__module__, make.__name__, make.__doc__ = __name__, name, tries
    handed_in(statuses=statuses)(make)


# Each reply has the right id; the values are guesses, of every form that a check may want.
GUESSES = """\
import torch
zero, guesses = torch.zeros(()), [
    0.0, [], True, None, {"dict": [["passed", True], ["points", 28]]}, {"tuple": [0.0, []]},
    {"dict": [["D", {"dict": []}], ["G", {"dict": []}], ["losses", []], ["history", []], ["G gradients", []]]},
    {"dict": []}, {"tensor": 0}, {"array": 0}, {"kept": [0, "Tensor"]}]
answer, turn = type(served).answer, [0]

def forged(self, request, tensors):
    if request["do"] != "probe":
        return answer(self, request, tensors)
    turn[0] += 1
    guess = guesses[(turn[0] + SHIFT) % len(guesses)]
    return {"value": guess}, [zero] if isinstance(guess, dict) and ("tensor" in guess or "array" in guess) else []

type(served).answer = forged
"""
for shift in range(0, 11, 5):
    wired(f"forged_replies_{shift}", "Answers every question under its right number, with a guess.",
          GUESSES.replace("SHIFT", str(shift)))

wired("forged_emptiness", "Answers every question with nothing in every part: where all of none must agree, it does.", """\
answer = type(served).answer

def forged(self, request, tensors):
    if request["do"] != "probe":
        return answer(self, request, tensors)
    parts = ("D", "G", "moments"), ("losses", "history", "G gradients", "gradients", "order")
    return {"value": {"dict": [*([name, {"dict": []}] for name in parts[0]), *([name, []] for name in parts[1])]}}, []

type(served).answer = forged
""")
ECHOES = """\
answer = type(served).answer

def forged(self, request, tensors):
    if request["do"] != "probe":
        return answer(self, request, tensors)
    names = ("D", "G", "G gradients", "losses", "history")
    return {"value": {"dict": [[name, request["arguments"]["tuple"][0]] for name in names]}}, tensors

type(served).answer = forged
"""
wired("forged_echoes", "Sends back what it was given: weights that have not moved, inputs as results.", ECHOES)

# What a reply may say in place of what was agreed; the question's own number stands in it.
FORMS = {
    "outputs that are a number": {"outputs": 7},
    "outputs of an unknown kind": {"outputs": [{"output_type": "display_data", "data": {"text/html": "<script>"}}]},
    "a count that is infinite": {"outputs": [{"output_type": "execute_result", "data": {"text/plain": "28.0"},
                                              "execution_count": float("inf")}]},
    "points among its outputs": {"outputs": [], "results": [{"passed": True, "points": 9}], "exercise": "gan_losses.train"},
    "a traceback of a million lines": {"outputs": [{"output_type": "error", "ename": "E", "evalue": "e",
                                                    "traceback": ["x"] * 1_000_000}]},
    "a tensor that is not there": {"value": {"tensor": 10 ** 9}, "outputs": []},
    "a tensor counted backwards": {"value": {"tensor": -1}, "outputs": []},
    "two tags": {"value": {"tensor": 0, "dict": []}, "outputs": []},
    "a key that cannot be one": {"value": {"dict": [[{"dict": []}, 1]]}, "outputs": []},
    "something kept under no number": {"value": {"kept": ["__class__", {}]}, "outputs": []},
    "an error of no name": {"error": {"ename": None}, "outputs": []},
    "an error that ends processes": {"error": {"ename": "SystemExit", "evalue": "0"}, "outputs": []},
    "an error that is a group": {"error": {"ename": "ExceptionGroup", "evalue": ["x"] * 1000}, "outputs": []},
    "no reply at all": {},
}
SAYS = """\
def answer(self, request, tensors):
    return json.loads(FORM), []

import json
type(served).answer = answer
"""
for form, reply in FORMS.items():
    wired(form.replace(" ", "_"), f"Replies with {form}.", SAYS.replace("FORM", repr(json.dumps(reply))))

# Bytes that are sent as they are, in the place of a reply.
RAW = {
    "a_message_that_is_no_object": ("Sends a list where an object is expected.", 'text = b"[[1, 2], [3, 4]]"'),
    "a_number_of_a_million_digits": ("Sends a number that takes minutes to read.",
                                     'text = b\'{"id": \' + b"9" * 3_000_000 + b"}"'),
    "tensors_that_lie": ("Sends tensors whose header says more than there is.", """\
head = b'{"0":{"dtype":"F32","shape":[4611686018427387904,4],"data_offsets":[0,8]}}'
text, blob = b"{}", struct.pack("<Q", len(head)) + head + bytes(8)"""),
}
SEND = "blob = b''\nCODE\nos.write(3, struct.pack('!II', len(text), len(blob)) + text + blob)"
for name, (tries, code) in RAW.items():
    wired(name, tries, SEND.replace("CODE", code))

wired("a_message_nested_deep", "Replies with lists in lists, about as deep as JSON can be read.", """\
def answer(self, request, tensors):
    nest = []
    for _ in range(970):
        nest = [nest]
    return {"outputs": [{"output_type": "stream", "name": "stdout", "text": nest}], "value": nest}, []

sys.setrecursionlimit(5000)
type(served).answer = answer
""")

wired("keys_that_collide_outside", "Replies with a hundred thousand keys whose hashes are the same, to keep the reader busy.", """\
def answer(self, request, tensors):
    if request["do"] == "probe":
        return {"value": {"dict": [[k * (2 ** 61 - 1), 0] for k in range(1, 100_000)]}}, []
    return before(self, request, tensors)

before = type(served).answer
type(served).answer = answer
""")


@handed_in(earned=0, statuses=ENDS)
def answers_from_a_child(desk, folder):
    """Lets a child serve the wire while it works on, so that two processes answer each question."""
    new = notebook(desk, FIND)
    new.cells.insert(2, nbformat.v4.new_code_cell("os.fork()", id="two"))
    return new
