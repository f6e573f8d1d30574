"""The pages of the book, as its table of contents names them."""

from pathlib import Path

import yaml

ROOT = Path(__file__).parents[2]
TOC = yaml.safe_load((ROOT / "book" / "_toc.yml").read_text(encoding="utf-8"))
CONFIG = yaml.safe_load((ROOT / "_config.yml").read_text(encoding="utf-8"))
REPOSITORY, BASE = CONFIG["repository"], CONFIG["html"]["baseurl"]
MOVED = CONFIG["sphinx"]["config"]["moved_pages"]  # where old addresses lead
CONTENTS = [TOC["root"], *(entry["file"] for part in TOC["parts"] for entry in part["chapters"])]
PAGES = [*dict.fromkeys([*CONTENTS, "genindex", "search"])]
CHAPTERS = [page for page in PAGES if page[0].isdigit()]
WITH_A_CLIP = [page for page in CHAPTERS
               if "<video" in (ROOT / "book" / "outputs" / f"{page}.ipynb").read_text(encoding="utf-8")]
