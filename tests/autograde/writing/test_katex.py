"""KaTeX and its engine: what it draws, what it says, and that a program that used it comes to an end."""
import asyncio
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import pytest

from autograde.writing import katex

FORMULA = r"\frac{1}{2}"
DRAWN = f"from autograde.writing import katex\nprint(katex.draw({FORMULA!r}, {{}}), flush=True)\n"


def test_a_formula_is_html_and_mathml():
    html = katex.draw(FORMULA, {"output": "htmlAndMathml"})
    assert "<mfrac>" in html and 'class="katex-html"' in html


def test_it_says_what_katex_says():
    with pytest.raises(ValueError, match=r"^Undefined control sequence: \\lgo"):
        katex.draw(r"\lgo x", {"throwOnError": True})


def test_one_that_takes_too_long_is_given_up():
    with pytest.raises(ValueError, match="timeout"):
        katex.draw("x" * 200_000, {}, seconds=0.001)
    assert katex.draw("x", {}, seconds=10)


def test_it_draws_inside_an_event_loop_and_in_several_threads():
    async def draw():
        return katex.draw("x", {})

    katex.close()
    drawn = asyncio.run(draw())
    with ThreadPoolExecutor(4) as threads:
        assert set(threads.map(lambda _: katex.draw("x", {}), range(20))) == {drawn}


def test_after_it_was_closed_it_draws_anew():
    katex.close()
    katex.close()
    assert katex.draw("x", {})


ENDS = {
    "closed": "katex.close()",
    "not closed": "",
    "an exception": "1 / 0",
    "exit": "raise SystemExit(0)",
    "at work": "import threading; threading.Thread(target=katex.draw, args=('x', {})).start()",
    "an event loop": "import asyncio; asyncio.run(asyncio.sleep(0))",
    "held": "engine = katex._engine()",
}


@pytest.mark.parametrize("end", ENDS)
def test_a_program_that_drew_a_formula_ends(end):
    """On some versions of Python an engine that nobody closed waits for ever."""
    done = subprocess.run([sys.executable, "-c", DRAWN + ENDS[end]], capture_output=True, text=True, timeout=60)
    assert "<mfrac>" in done.stdout
    assert done.stderr.strip().endswith("ZeroDivisionError: division by zero" if end == "an exception" else "")
    assert done.returncode == (end == "an exception")
