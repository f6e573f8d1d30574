"""Which browser is taken, and what is done where the machine has none: tried with programs that stand in for the real ones."""
import os
from pathlib import Path

import pytest

from autograde.writing import browser

pytest_plugins = ["pytester"]
SHOWS_A_PAGE = "#!/bin/sh\necho '<html></html>'\n"
LACKS_A_LIBRARY = "#!/bin/sh\necho 'error while loading shared libraries: libnss3.so' >&2\nexit 127\n"


class Machine:
    """A machine with nothing but Python; `log` says what was asked of it."""

    def __init__(self, root: Path):
        self.root, self.programs, self.downloaded = root, root / "bin", root / "downloaded" / "chrome"
        self.programs.mkdir()
        self.downloaded.parent.mkdir()

    def has(self, name: str, text: str) -> str:
        return self.write(self.programs / name, text)

    def write(self, path: Path, text: str) -> str:
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)
        path.chmod(0o755)
        return str(path)

    def has_apt(self, package: str = "chromium", installs: str = SHOWS_A_PAGE) -> None:
        self.has("apt-cache", f"#!/bin/sh\necho 'Package: {package}'\n")
        self.has("apt-get", f"""#!/bin/sh
echo apt-get "$@" >> {self.root}/log
case "$*" in *install*) echo "{installs}" > {self.programs}/chromium; /bin/chmod +x {self.programs}/chromium;; esac
""")

    def has_playwright(self, downloads: str = SHOWS_A_PAGE) -> None:
        """A package of that name which stands before the real one."""
        self.write(self.root / "playwright" / "__init__.py", "")
        self.write(self.root / "playwright" / "__main__.py", f"""
import pathlib, sys
with open({str(self.root / "log")!r}, "a") as log:
    print("playwright", *sys.argv[1:], file=log)
path = pathlib.Path({str(self.downloaded)!r})
path.write_text({downloads!r})
path.chmod(0o755)
""")
        self.write(self.root / "playwright" / "sync_api.py", f"""
from contextlib import nullcontext
from types import SimpleNamespace
def sync_playwright():
    return nullcontext(SimpleNamespace(chromium=SimpleNamespace(executable_path={str(self.downloaded)!r})))
""")

    @property
    def log(self) -> list[str]:
        """What was installed."""
        path = self.root / "log"
        return [line for line in path.read_text().splitlines() if " install " in line] if path.exists() else []


@pytest.fixture
def machine(tmp_path, monkeypatch):
    """Nobody is root there, and there is no Playwright."""
    machine = Machine(tmp_path)
    machine.write(tmp_path / "playwright" / "__init__.py", "raise ImportError('there is none')")
    monkeypatch.setenv("PATH", str(machine.programs))
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    return machine


def test_the_machines_own_is_taken_and_nothing_is_fetched(machine):
    machine.has_apt()
    machine.has_playwright()
    own = machine.has("google-chrome", SHOWS_A_PAGE)
    assert browser.ensure() == own and machine.log == []


def test_one_that_does_not_start_is_none(machine):
    machine.has("chromium-browser", "#!/bin/sh\necho 'requires the chromium snap to be installed'\nexit 1\n")
    other = machine.has("google-chrome-stable", SHOWS_A_PAGE)
    assert browser.find() == other


def test_root_gets_debians_package(machine, monkeypatch):
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    machine.has_apt()
    assert browser.ensure() == str(machine.programs / "chromium")
    (line,) = machine.log
    assert line.endswith("install -y --no-install-recommends chromium")


def test_sudo_is_used_where_it_asks_for_no_password(machine):
    machine.has_apt()
    machine.has("sudo", f'#!/bin/sh\nshift\necho sudo "$@" >> {machine.root}/log\n"$@"\n')
    assert browser.ensure() == str(machine.programs / "chromium")
    assert machine.log[0].startswith("sudo apt-get")


def test_others_get_playwrights_download(machine):
    machine.has_apt()
    machine.has("sudo", "#!/bin/sh\necho 'a password is required' >&2\nexit 1\n")
    machine.has_playwright()
    assert browser.ensure() == str(machine.downloaded)
    assert machine.log == ["playwright install chromium"]


def test_a_download_is_found_again(machine):
    machine.has_playwright()
    machine.write(machine.downloaded, SHOWS_A_PAGE)
    assert browser.ensure() == str(machine.downloaded) and machine.log == []


@pytest.mark.parametrize("package", [{"package": "chromium-browser"}, {"installs": LACKS_A_LIBRARY}], ids=["a snap", "one that does not start"])
def test_where_the_package_is_none_playwright_brings_its_libraries_too(machine, monkeypatch, package):
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    machine.has_apt(**package)
    machine.has_playwright()
    assert browser.ensure() == str(machine.downloaded)
    assert machine.log[-1] == "playwright install --with-deps chromium"


@pytest.mark.parametrize("downloads", [None, LACKS_A_LIBRARY])
def test_where_none_can_be_had_a_sentence_says_what_to_do(machine, downloads, tmp_path):
    if downloads:
        machine.has_playwright(downloads)
    with pytest.raises(OSError, match="apt install chromium"):
        browser.print_page(tmp_path / "page.html", tmp_path / "page.pdf")


def test_one_that_shows_nothing_and_does_not_end_is_none(machine, monkeypatch):
    monkeypatch.setattr(browser, "PATIENCE", 0.5)
    machine.has("chromium", "#!/bin/sh\nwhile :; do :; done\n")
    assert browser.find() is None


PAGE_TESTS = """
import pytest

@pytest.mark.parametrize("page", range(3))
def test_page(chromium, page):
    assert chromium
"""


@pytest.mark.parametrize("ci, outcome", [("", {"skipped": 3}), ("true", {"errors": 3})])
def test_without_a_browser_page_tests_are_skipped_but_in_ci_they_fail(pytester, machine, monkeypatch, ci, outcome):
    monkeypatch.setenv("CI", ci)
    pytester.makeconftest("from tests.conftest import chromium, pytest_terminal_summary, shared")
    pytester.makepyfile(PAGE_TESTS)
    done = pytester.runpytest_inprocess("-rs", "-p", "no:cacheprovider")
    done.assert_outcomes(**outcome)
    said = [line for line in done.outlines if "tests of pages were skipped" in line]
    assert said == ([] if ci else [f"3 tests of pages were skipped: {browser.NONE}."])
