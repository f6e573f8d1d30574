"""What the book says of its own making, read anew at each build: `{status} runs`, `gpu`, `measured`, `studies`,
`grading`, `pages`, `made-with`.

runs: the stored run of each page with code. gpu: what a GPU has computed, or that none has.
measured: the figures of benchmarks/. studies: those over several seeds, with what they cost. grading: how long a
submission takes, chapter by chapter. pages: what Lighthouse says of the pages. made-with: the versions of this build.
"""

from __future__ import annotations

import json
import platform
import time
from importlib.metadata import version
from pathlib import Path

from course_table import Generated, table

from autograde.writing import reference_run, source
from autograde.writing import studies as of_studies

FIGURES = Path(__file__).parents[2] / "benchmarks" / "figures"
MADE_WITH = ["clipkit", "torch", "torchvision", "jupyter-book", "sphinx", "myst-nb", "sphinx-book-theme", "nbgrader"]
SCORES = {"performance": "Speed", "accessibility": "Access", "best-practices": "Practices", "seo": "Search"}


def runs(preset: str = "cpu") -> str:
    """A row for each page with code: when its outputs were made, on what, with what, and how long it took."""
    rows, total = [], 0
    for stem in source.executed():
        stored = reference_run.path(stem, preset).exists() and reference_run.load(stem, preset)
        if not stored:
            continue
        about = stored.notebook.metadata["reference_run"]
        total += about["seconds"]
        rows.append([f"[]({stem}.md)", f"{about['seconds']:.0f} s", about["device"], f"`{about['preset']}`", about["date"],
                     f"{about['python']}, {about['torch']}"])
    rows.append(["**Together**", clock(total), *[""] * 4])
    return table(["Page", "Time", "On", "Preset", "Date", "Python and PyTorch"], rows)


def clock(seconds: float) -> str:
    return f"{seconds // 60:.0f} min {seconds % 60:.0f} s"


def gpu() -> str:
    """The runs and the figures of a GPU; where there are none, that and the commands that would make them."""
    made = sorted((reference_run.OUTPUTS / "gpu").glob("*.ipynb"))
    parts = [runs("gpu") if made else "No chapter has been run on a GPU yet. `make execute PRESET=gpu` does it, and `make book "
             "PRESET=gpu` builds the book from what it leaves."]
    on_gpu = [f"`{name}`: {device}" for name, device in ((path.stem, gpu_of(load(path))) for path in figures()) if device]
    waiting = [f"`{command}`" for path in figures() for command in not_measured(load(path))]
    parts.append("Figures measured on a GPU: " + ("; ".join(on_gpu) if on_gpu else "none") + ".")
    if waiting:
        parts.append("Waiting for one: " + ", ".join(waiting) + ".")
    return "\n\n".join(parts)


def measured() -> str:
    """A row for each file of figures: the command that makes it, and the machine that it was made on."""
    rows = []
    for path in figures():
        found = load(path)
        machine = found.get("machine", {})
        rows.append([f"`{path.name}`", f"`{found.get('command', f'python -m benchmarks.{path.stem}')}`",
                     str(machine.get("cpu", "")), str(machine.get("cores", "")), gpu_of(found) or "none",
                     machine.get("torch", "").partition("+")[0]])
    return table(["Figures", "Measured by", "Processor", "Cores", "GPU", "PyTorch"], rows, left=2)


def studies() -> str:
    """A row for each study: what it compares, where the text rests on it, its runs, and what they cost."""
    rows, minutes, total = [], 0.0, 0.0
    for path in of_studies.files():
        found = load(path)
        runs = [run for of_variant in found["runs"].values() for run in of_variant]
        seconds = sum(run["cpu_seconds"] for run in runs)
        minutes, total = minutes + found["minutes"], total + seconds
        where = ", ".join(f"[]({stem}.md)" for stem in of_studies.pages_with(path.stem))
        about = found["machine"]
        rows.append([f"`{path.stem}`", found["about"], where, str(len(runs)), clock(seconds), f"{found['minutes']:g} min",
                     f"{about['cpu']}, PyTorch {about['torch'].partition('+')[0]}, {found['date']}"])
    rows.append(["**Together**", "", "", "", clock(total), f"{minutes:g} min", ""])
    return table(["Study", "What is compared", "For", "Runs", "Took", "May take", "On"], rows, left=3)


def grading() -> str:
    """A row for each chapter: the time of one submission, ours on one core and stock nbgrader's; then a whole course."""
    figures = load(FIGURES / "grading.json")
    rows = [[f"[]({stem}.md)", f"{row['ours']['core_s_each']:.2f} s", f"{60 / row['stock']['steady_per_minute']:.1f} s",
             f"{row['times_faster']:.0f}"] for stem, row in figures["chapters"].items()]
    rows.append(["**Together**", f"{figures['course_core_s']:.1f} s",
                 f"{sum(60 / row['stock']['steady_per_minute'] for row in figures['chapters'].values()):.0f} s", ""])
    about = figures["machine"]
    most = sorted(row["ours"]["peak_memory_mb"] / 1000 for row in figures["chapters"].values())
    said = (f"Measured on {figures['cores']} cores ({about['cpu']}, PyTorch {about['torch'].partition('+')[0]}). The grader "
            f"starts in {figures['start_s']:.1f} s. With both cores at work, all its processes together take at most "
            f"{most[-2]:.1f} GB, and {most[-1]:.1f} GB for the challenge.")
    return f"{table(['Chapter', 'One core', 'Stock nbgrader', 'Times as many with two cores'], rows)}\n\n{said}"


def pages() -> str:
    """Lighthouse's scores, which `python -m benchmarks.lighthouse` measures."""
    path = FIGURES / "lighthouse.json"
    if not path.exists():
        return "Lighthouse has not been asked yet: `python -m benchmarks.lighthouse --keep`."
    found = load(path)
    rows = [[f"[]({name}.md)", *(f"{page[score]}" for score in SCORES), f"{page['bytes'] / 1e3:.0f} KB",
             f"{page['first_contentful_paint_ms'] / 1e3:.1f} s", f"{page['largest_contentful_paint_ms'] / 1e3:.1f} s"]
            for name, page in found["pages"].items()]
    return table(["Page", *SCORES.values(), "Loads", "First paint", "Largest paint"], rows)


def made_with() -> str:
    rows = [["Python", platform.python_version()], *([name, version(name)] for name in MADE_WITH)]
    return table(["", "Version"], [*rows, ["Built", time.strftime("%Y-%m-%d", time.gmtime())]])


def figures() -> list[Path]:
    return sorted(FIGURES.glob("*.json"))


def load(path: Path) -> dict:
    return json.loads(path.read_text(encoding="utf-8"))


def gpu_of(found: dict) -> str | None:
    """The GPU that figures come from: of the file's machine, or of a part that names its own."""
    parts = [found, *(part for part in found.values() if isinstance(part, dict))]
    return next((part["machine"]["gpu"] for part in parts if part.get("machine", {}).get("gpu")), None)


def not_measured(found: dict) -> list[str]:
    """The commands that a file of figures says are still to be run."""
    return [part["not measured yet"] for part in found.values() if isinstance(part, dict) and "not measured yet" in part]


class Status(Generated):
    """The part of the status page that its argument names."""

    required_arguments = 1
    parts = {"runs": runs, "gpu": gpu, "measured": measured, "studies": studies, "grading": grading, "pages": pages,
             "made-with": made_with}

    def markdown(self) -> str:
        self.env.note_reread()  # what it tells changes without any page's doing so
        return self.parts[self.arguments[0]]()


def setup(app) -> dict:
    app.add_directive("status", Status)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
