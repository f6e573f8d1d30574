"""How long the network that is steered takes for a frame: in a page, in a page on a telephone's processor, and in PyTorch.

    python -m benchmarks.live_frames --keep    nothing else may be computing meanwhile

All three draw frames in turn, in one run on one core; the page's scripts and weights are the book's. The telephone is
Lighthouse's: Chromium with the processor slowed down four times.
"""
from __future__ import annotations

import argparse
import base64
import statistics
import time
from collections.abc import Callable
from pathlib import Path

import torch
from playwright.sync_api import sync_playwright

from autograde.writing import browser
from benchmarks.machine import keep
from clipkit.steered_walkers import COMMANDS
from solutions.published.shipped import WEIGHTS, trained

NAME = "live_frames"
SCRIPTS = Path(__file__).parents[1] / "book" / "assets" / "live"
SLOWED = 4  # times, as Lighthouse slows down a desk's processor to make a telephone of it
GOAL = 24  # frames a second on that telephone

SET_UP = """([weights, commands]) => {
    const network = steered(tensorsFrom(weights), commands);
    const draw = uniform(1), picture = canvas(SIZE, SIZE, "");
    let state = network.begin(gaussian(draw, network.nz));
    window.drawn = (frames) => {
        const start = performance.now();
        for (let frame = 0; frame < frames; frame++) {
            state = network.step(state, 2, gaussian(draw, network.noise));
            paint(picture, network.shown(state));
        }
        return (performance.now() - start) / frames;
    };
}"""


def in_torch() -> Callable[[int], float]:
    """drawn(frames): milliseconds a frame in PyTorch."""
    generator = trained("steered")[0]
    rng = torch.Generator().manual_seed(1)
    state, command = generator.begin(torch.randn(1, generator.first.nz, generator=rng)), torch.tensor([2])

    @torch.no_grad()
    def drawn(frames: int) -> float:
        nonlocal state
        start = time.perf_counter()
        for _ in range(frames):
            state = generator.step(state, command, torch.randn(1, generator.next.noise, generator=rng))
            generator.shown(state)
        return 1000 * (time.perf_counter() - start) / frames

    return drawn


def measure(rounds: int, frames: int) -> dict:
    """Medians over so many rounds, in each of which all three draw so many frames, one after the other."""
    options = {"executable_path": browser.ensure(), "args": browser.OPTIONS}
    with sync_playwright() as playwright, playwright.chromium.launch(**options) as chromium:
        page = chromium.new_page()
        page.set_content("<body></body>")
        for script in ("random", "tinygan", "controls", "shipped", "steered"):
            page.add_script_tag(path=SCRIPTS / f"{script}.js")
        page.evaluate(SET_UP, [base64.b64encode((WEIGHTS / "steered.safetensors").read_bytes()).decode(), len(COMMANDS)])
        session = page.context.new_cdp_session(page)

        def in_page(slowed: int) -> Callable[[int], float]:
            def drawn(frames: int) -> float:
                session.send("Emulation.setCPUThrottlingRate", {"rate": slowed})
                return page.evaluate("frames => drawn(frames)", frames)
            return drawn

        runners = {"torch": in_torch(), "page": in_page(1), "telephone": in_page(SLOWED)}
        times: dict[str, list[float]] = {name: [] for name in runners}
        for _ in range(rounds):
            for name, drawn in runners.items():
                times[name].append(drawn(frames))
    median = {name: round(statistics.median(each), 2) for name, each in times.items()}
    return {"milliseconds": median, "telephone_frames_a_second": round(1000 / median["telephone"], 1),
            "page_times_torch": round(median["page"] / median["torch"], 1),
            "rounds": rounds, "frames": frames, "slowed": SLOWED}


def main() -> int:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--rounds", type=int, default=15, help="default: %(default)s")
    options.add_argument("--frames", type=int, default=48, help="drawn by each in a round; default: %(default)s")
    options.add_argument("--keep", action="store_true", help="write benchmarks/figures/live_frames.json")
    args = options.parse_args()
    torch.set_num_threads(1)
    found = measure(args.rounds, args.frames)
    print(found)
    if args.keep:
        print(keep(NAME, found | {"command": f"python -m benchmarks.{NAME} --keep"}))
    return int(found["telephone_frames_a_second"] < GOAL)


if __name__ == "__main__":
    raise SystemExit(main())
