"""How fast and how accessible the published pages are: Lighthouse, on its profile of a phone with a slow network.

    python -m autograde book                    the site; nothing else may be computing meanwhile
    python -m benchmarks.lighthouse             needs Node.js 18 or later; npx fetches Lighthouse from npm

Each page is loaded several times with an empty cache, from a server that compresses as GitHub Pages does. Performance is the
median of the runs (it varies with whatever else the machine does), every other score the worst of them.
"""
from __future__ import annotations

import argparse
import gzip
import json
import os
import statistics
import subprocess
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache, partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from io import BytesIO
from pathlib import Path

from autograde.writing import browser
from benchmarks.machine import keep

NAME = "lighthouse"
LIGHTHOUSE = "lighthouse@12"  # the last that runs on Node.js 18 and 20
SITE = Path(__file__).parents[1] / "_build" / "html"
PAGES = ("index", "02_gan_losses", "10_video_gan")
GOALS = {"performance": 95, "accessibility": 100, "best-practices": 100, "seo": 100}
METRICS = {
    "first_contentful_paint_ms": "first-contentful-paint",
    "largest_contentful_paint_ms": "largest-contentful-paint",
    "total_blocking_time_ms": "total-blocking-time",
    "layout_shift": "cumulative-layout-shift",
    "bytes": "total-byte-weight",
}
FLAGS = " ".join(["--headless=new", *browser.OPTIONS])
COMPRESSED = (".html", ".css", ".js", ".svg", ".json")


class Compressing(SimpleHTTPRequestHandler):
    """Serves a folder, text compressed."""

    def send_head(self):
        path = Path(self.translate_path(self.path))
        if path.suffix not in COMPRESSED or not path.is_file():
            return super().send_head()
        body = compressed(path, path.stat().st_mtime_ns)
        self.send_response(200)
        self.send_header("Content-Type", self.guess_type(str(path)))
        self.send_header("Content-Encoding", "gzip")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        return BytesIO(body)

    def log_message(self, *args) -> None:
        pass


@cache
def compressed(path: Path, changed: int) -> bytes:
    return gzip.compress(path.read_bytes())


@contextmanager
def served(site: Path) -> Iterator[str]:
    """The site's address on this machine, ending with a slash."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Compressing, directory=str(site)))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/"
    finally:
        server.shutdown()


def audit(address: str, lighthouse: str) -> dict:
    """Lighthouse's report of one load.

    Raises:
        OSError: there is no browser.
        subprocess.CalledProcessError: the report could not be had; what Lighthouse said is on stderr.
    """
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder) / "report.json"
        command = [*lighthouse.split(), address, "--quiet", "--output=json", f"--output-path={report}",
                   f"--chrome-flags={FLAGS}", f"--only-categories={','.join(GOALS)}"]
        subprocess.run(command, check=True, env=os.environ | {"CHROME_PATH": browser.ensure()})
        return json.loads(report.read_text(encoding="utf-8"))


def figures(reports: list[dict]) -> dict:
    """Of several loads of a page: the median performance and metrics, the worst of the other scores, what they find."""
    scores = {name: [round(100 * report["categories"][name]["score"]) for report in reports] for name in GOALS}
    found = {name: min(values) for name, values in scores.items()}
    found["performance"] = round(statistics.median(scores["performance"]))
    found["performance_of_runs"] = sorted(scores["performance"])
    for name, key in METRICS.items():
        found[name] = round(statistics.median(report["audits"][key]["numericValue"] for report in reports), 3)
    return found | {"faults": sorted(set().union(*map(faults, reports)))}


def faults(report: dict) -> set[str]:
    """The audits outside performance that a page does not pass."""
    asked = {item["id"] for name in GOALS if name != "performance"
             for item in report["categories"][name]["auditRefs"] if item["weight"]}
    return {name for name in asked if report["audits"][name]["score"] not in (None, 1)}


def reaches(found: dict) -> bool:
    return all(found[name] >= goal for name, goal in GOALS.items())


def main() -> int:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("pages", nargs="*", default=PAGES, help="default: %(default)s")
    options.add_argument("--site", type=Path, default=SITE, help="default: %(default)s")
    options.add_argument("--runs", type=int, default=5, help="loads of each page; default: %(default)s")
    options.add_argument("--lighthouse", default=f"npx --yes {LIGHTHOUSE}", help="how it is called; default: %(default)s")
    options.add_argument("--keep", action="store_true", help="write benchmarks/figures/lighthouse.json")
    args = options.parse_args()
    pages = {}
    with served(args.site) as address:
        for page in args.pages:
            pages[page] = figures([audit(f"{address}{page}.html", args.lighthouse) for _ in range(args.runs)])
            print(page, json.dumps(pages[page]), flush=True)
    if args.keep:
        print(keep(NAME, {"lighthouse": LIGHTHOUSE, "runs": args.runs, "goals": GOALS, "pages": pages}))
    return 0 if all(map(reaches, pages.values())) else 1


if __name__ == "__main__":
    raise SystemExit(main())
