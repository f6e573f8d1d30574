"""Cells behave as in a notebook, and what they may do to the grader is bounded."""
import nbformat
import pytest

from autograde.grading.session import MAX_OUTPUT, Session, time_limit


@pytest.fixture
def session():
    return Session(seconds=5)


def texts(outputs):
    """What a reader sees: printed text, the value, or the error's name."""
    return [o.get("text") or o.get("ename") or o["data"]["text/plain"] for o in outputs]


def test_cells_share_one_namespace_and_show_their_last_value(session):
    assert session.run("x = 20\ndef double(y):\n    return 2 * y") == []
    assert texts(session.run("print('hello')\ndouble(x) + 2")) == ["hello\n", "42"]
    assert session.run("x;") == [] and session.run("None") == [] and session.run("") == []


def test_an_error_is_shown_with_its_line_and_stops_no_later_cell(session):
    (error,) = session.run("def f():\n    return 1 / 0\nf()")
    assert error["ename"] == "ZeroDivisionError" and any("return 1 / 0" in line for line in error["traceback"])
    assert not any("session.py" in line for line in error["traceback"])
    assert texts(session.run("f.__name__")) == ["'f'"]


@pytest.mark.parametrize("source, name", [("f(", "SyntaxError"), ("raise SystemExit", "SystemExit"), ("exit(3)", "SystemExit"),
                                          ("raise KeyboardInterrupt", "KeyboardInterrupt"), ("raise GeneratorExit", "GeneratorExit"), ("x = nothing", "NameError"),
                                          ("def f(): f()\nf()", "RecursionError")])
def test_whatever_a_cell_raises_is_an_output(session, source, name):
    assert session.run(source)[-1]["ename"] == name


@pytest.mark.parametrize("source", ["%pip install torch", "!rm -rf nothing", "%matplotlib inline", "%%bash\nexit 3",
                                    "files = !ls\nassert files == []", "?print", "%load_ext tensorboard",
                                    "if True:\n    %pip install x", "get_ipython().system('false')"])
def test_magics_do_nothing_and_break_nothing(session, source):
    assert not any(output["output_type"] == "error" for output in session.run(source))


@pytest.mark.parametrize("source", ["%%time\nx = 3", "%time x = 3", "%%capture out\nx = 3", "%%time\n%matplotlib inline\nx = 3"])
def test_a_cell_that_is_only_timed_runs(session, source):
    session.run(source)
    assert texts(session.run("x")) == ["3"]


def test_await_and_display_work(session):
    assert texts(session.run("import asyncio\nawait asyncio.sleep(0, 7)")) == ["7"]
    assert session.run("from IPython.display import display, HTML\ndisplay(HTML('<b>x</b>'))")[0]["output_type"] == "stream"


def test_a_dataclass_and_its_pickle_work(session, monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "__main__", session.module)
    outputs = session.run("from dataclasses import dataclass\nimport pickle\n@dataclass\nclass P:\n    x: 'int'\n"
                          "pickle.loads(pickle.dumps(P(3)))")
    assert texts(outputs) == ["P(x=3)"]


def test_annotations_are_what_they_are_in_a_notebook(session):
    session.run("def f(x: int) -> list[int]: ...")
    assert texts(session.run("f.__annotations__")) == ["{'x': <class 'int'>, 'return': list[int]}"]
    assert texts(session.run("def g(x: no_such_name): ...")) == ["NameError"]


def test_output_is_bounded(session):
    printed, value = session.run(f"print('x' * {10 * MAX_OUTPUT})\nprint('more')\n'y' * {10 * MAX_OUTPUT}")
    assert len(printed["text"]) < MAX_OUTPUT + 100 and printed["text"].endswith("[more was printed]\n")
    assert len(value["data"]["text/plain"]) == MAX_OUTPUT


def test_a_cell_that_does_not_end_is_stopped():
    session = Session(seconds=0.2)
    (error,) = session.run("while True:\n    pass")
    assert error["ename"] == "TimeoutError" and error["evalue"] == "stopped after 0.2 seconds"
    assert texts(session.run("1 + 1")) == ["2"]


def test_a_limit_strikes_again_where_it_was_swallowed():
    with pytest.raises(TimeoutError), time_limit(0.1):
        try:
            while True:
                pass
        except TimeoutError:
            while True:
                pass


def test_what_a_cell_defined_can_be_looked_up(session):
    session.run("def double(x):\n    return 2 * x")
    (double,) = session.look("double")
    assert double(4) == 8 and session.look("triple") == ()


def test_outputs_are_those_of_a_notebook(session):
    cell = nbformat.v4.new_code_cell(outputs=session.run("print(1)") + session.run("2") + session.run("1 / 0"))
    nbformat.validate(nbformat.v4.new_notebook(cells=[cell]))
