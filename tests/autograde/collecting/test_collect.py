"""Archives as Canvas and Moodle make them, by the rules of their own code (lib/content_zipper.rb, mod/assign/classes/
downloader.php) written down here anew; clones as git makes them; and what `autograde collect` makes of all."""
import errno
import json
import os
import re
import stat
import subprocess
import unicodedata
import zipfile

import pytest

from autograde.__main__ import main
from autograde.collecting import archive, door
from autograde.grading.course import Course

STEM = "02_gan_losses"
ROSTER = "Student,ID,SIS User ID,SIS Login ID,Section\n\"Lovelace, Ada\",11,S1,ada,A\n\"Zoë, Søren\",12,S2,soren,A\n"
GROUPS = ("name,canvas_user_id,user_id,login_id,sections,group_name,canvas_group_id,group_id\n"
          "Ada Lovelace,11,S1,ada,A,team_7,1,\nSøren Zoë,12,S2,soren,A,team_7,1,\nKim Lee,13,S3,kim,A,,,\n")
WORKSHEET = "Identifier,Full name,Email address,Status\nParticipant 501,Ada Lovelace,ada@x.edu,\nParticipant 502,Ada Lovelace,ada2@x.edu,\n"
PEOPLE = "First name,Surname,Username,Email address,Groups\nAda,Lovelace,ada,a@x.edu,\"Team A, G2\"\nBen,Li,ben,b@x.edu,Team A\n"


def notebook(text="", stem=STEM):
    """One that says of which chapter it is, and something of its own."""
    cells = [{"cell_type": "markdown", "id": "a", "metadata": {}, "source": f"student notebook of [t](https://x.org/{stem}.html)"},
             {"cell_type": "code", "id": "b", "metadata": {}, "outputs": [], "execution_count": None, "source": text}]
    return json.dumps({"cells": cells, "nbformat": 4, "nbformat_minor": 5, "metadata": {}}).encode()


def canvas(sortable_name, user, file, own, *, late=False):
    parts = [re.sub(r"_(\d+)_", r"\1", sortable_name).lower(), *(["LATE"] if late else []), str(user)]
    own = re.sub(r'[\x00/\\:*?"<>|]+', "_", own)
    return "_".join([re.sub(r"\W", "", "_".join(parts)), str(file), own])


def moodle(full_name, number, own):
    return f"{full_name.replace('_', ' ')}_{number}_assignsubmission_file_/{own}"


@pytest.fixture
def course(tmp_path, monkeypatch):
    root = tmp_path / "course"
    for stem in (STEM, "15_challenge"):
        (root / "source" / stem).mkdir(parents=True)
    monkeypatch.chdir(root)
    return root


@pytest.fixture
def zipped(tmp_path):
    """zipped({path: content}, time=...) gives an archive."""
    def make(contents, *, time=(2026, 3, 1, 10, 0, 0), name="submissions.zip"):
        path = tmp_path / name
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as file:
            for inner, content in contents.items():
                info = zipfile.ZipInfo(inner, time)
                info.compress_type = zipfile.ZIP_DEFLATED
                file.writestr(info, content)
        return str(path)
    return make


def table(path, text):
    path.write_text(text, encoding="utf-8")
    return str(path)


def there(root):
    """All of submitted/, by path, without what collect keeps for itself."""
    found = (path for path in (root / "submitted").rglob("*") if path.is_file() and path.name != door.KEPT)
    return {str(path.relative_to(root / "submitted")): path.read_bytes() for path in found}


def whole(root):
    return {str(path.relative_to(root)): path.read_bytes() for path in root.rglob("*")
            if path.is_file() and path.name != ".autograde.lock"}


def test_canvas_by_login_with_late_marks_and_any_letters(course, zipped, tmp_path, capsys):
    path = zipped({canvas("Lovelace, Ada", 11, 900, "Copy of 02_gan_losses (1).ipynb", late=True): notebook("late"),
                   canvas("Zoë, Søren", 12, 901, "Übung.ipynb"): notebook("soren")})
    assert main(["collect", "canvas", path, "--roster", table(tmp_path / "r.csv", ROSTER)]) == 0
    assert there(course) == {f"ada/{STEM}/{STEM}.ipynb": notebook("late"), f"soren/{STEM}/{STEM}.ipynb": notebook("soren")}
    assert f"2 new; handed in late: ada, {STEM}" in capsys.readouterr().out


def test_canvas_without_a_roster_by_number_as_export_finds_it(course, zipped):
    """Canvas's own roster names people by this number, too."""
    assert main(["collect", "canvas", zipped({canvas("Lovelace, Ada", 11, 900, "02_gan_losses.ipynb"): notebook()})]) == 0
    assert there(course).keys() == {f"11/{STEM}/{STEM}.ipynb"}


def test_canvas_of_an_anonymous_assignment(course, zipped):
    assert main(["collect", "canvas", zipped({"anon_Ab3dE_900_02_gan_losses.ipynb": notebook("x"),
                                              "LATE_anon_Zz9_901_02_gan_losses.ipynb": notebook("y")})]) == 0
    assert there(course).keys() == {f"anon_Ab3dE/{STEM}/{STEM}.ipynb", f"anon_Zz9/{STEM}/{STEM}.ipynb"}


def test_canvas_group_goes_to_every_member(course, zipped, tmp_path, capsys):
    path = zipped({canvas("team_7", 11, 900, "02_gan_losses.ipynb"): notebook("ours"),
                   canvas("Lee, Kim", 13, 901, "02_gan_losses.ipynb"): notebook("alone")})
    assert main(["collect", "canvas", path, "--roster", table(tmp_path / "g.csv", GROUPS)]) == 0
    assert there(course) == {f"{who}/{STEM}/{STEM}.ipynb": notebook("alone" if who == "kim" else "ours")
                             for who in ("ada", "soren", "kim")}
    assert main(["collect", "canvas", path, "--roster", table(tmp_path / "r.csv", ROSTER)]) == 1
    assert "'team_7', which is not that of number 11" in capsys.readouterr().err


def test_of_several_the_last_and_nothing_older_takes_its_place(course, zipped, capsys):
    first, second = (canvas("Lovelace, Ada", 11, number, name) for number, name in ((900, "02.ipynb"), (950, "02-1.ipynb")))
    both = zipped({second: notebook("new"), first: notebook("old")}, name="both.zip")
    assert main(["collect", "canvas", both]) == 1
    assert "02-1.ipynb was taken, for it is the last" in capsys.readouterr().err
    before = whole(course)
    assert main(["collect", "canvas", zipped({first: notebook("old")}, name="old.zip")]) == 1
    said = capsys.readouterr()
    assert "what is there is newer than this 02.ipynb, and stays" in said.err and whole(course) == before
    assert main(["collect", "canvas", zipped({second: notebook("new")}, name="same.zip")]) == 0
    assert "1 there already" in capsys.readouterr().out and whole(course) == before
    assert main(["collect", "canvas", zipped({canvas("Lovelace, Ada", 11, 951, "x.ipynb"): notebook("newest")}, name="n.zip")]) == 0
    assert "1 in place of an earlier one" in capsys.readouterr().out
    assert there(course) == {f"11/{STEM}/{STEM}.ipynb": notebook("newest")}


def test_what_somebody_put_there_by_hand_stays(course, zipped, capsys):
    (course / "submitted" / "11" / STEM).mkdir(parents=True)
    (course / "submitted" / "11" / STEM / "mine.ipynb").write_bytes(b"{}")
    assert main(["collect", "canvas", zipped({canvas("L", 11, 1, "02_gan_losses.ipynb"): notebook()})]) == 1
    assert "mine.ipynb is there already and is not from canvas" in capsys.readouterr().err
    assert there(course) == {f"11/{STEM}/mine.ipynb": b"{}"}


def test_moodle_by_number_by_name_and_without_a_roster(course, zipped, tmp_path, capsys):
    path = zipped({moodle("Ada Lovelace", 501, "02_gan_losses.ipynb"): notebook("one"),
                   moodle("Ada Lovelace", 502, "Copy of 02_gan_losses.ipynb"): notebook("two"),
                   "Ada Lovelace_501_assignsubmission_onlinetext_/onlinetext.html": "hello", "__MACOSX/._x.ipynb": b""})
    assert main(["collect", "moodle", path, "--roster", table(tmp_path / "w.csv", WORKSHEET)]) == 1
    assert "Ada Lovelace handed in onlinetext.html, which was typed" in capsys.readouterr().err
    assert {k: v for k, v in there(course).items()} == {f"ada@x.edu/{STEM}/{STEM}.ipynb": notebook("one"),
                                                         f"ada2@x.edu/{STEM}/{STEM}.ipynb": notebook("two")}
    assert main(["collect", "moodle", path]) == 1
    assert {f"Ada Lovelace 501/{STEM}/{STEM}.ipynb", f"Ada Lovelace 502/{STEM}/{STEM}.ipynb"} < there(course).keys()


def test_moodle_flat_files_groups_and_strangers(course, zipped, tmp_path, capsys):
    path = zipped({"Team A_9_assignsubmission_file_02_gan_losses.ipynb": notebook("team"),
                   moodle("Eve Nobody", 77, "02_gan_losses.ipynb"): notebook(),
                   "Default group_assignsubmission_file_/02_gan_losses.ipynb": notebook()})
    assert main(["collect", "moodle", path, "--roster", table(tmp_path / "p.csv", PEOPLE)]) == 1
    said = capsys.readouterr().err
    assert "is of 'Eve Nobody', whom" in said and "is of 'Default group', whom" in said
    assert there(course) == {f"{who}/{STEM}/{STEM}.ipynb": notebook("team") for who in ("ada", "ben")}


def test_moodle_downloaded_later_counts(course, zipped):
    one = {moodle("Ada L", 1, "02_gan_losses.ipynb"): notebook("first")}
    two = {moodle("Ada L", 1, "02_gan_losses.ipynb"): notebook("second")}
    main(["collect", "moodle", zipped(two, time=(2026, 3, 2, 0, 0, 0), name="late.zip")])
    main(["collect", "moodle", zipped(one, time=(2026, 3, 1, 0, 0, 0), name="early.zip")])
    assert there(course) == {f"Ada L 1/{STEM}/{STEM}.ipynb": notebook("second")}


def test_letters_of_an_archive_that_does_not_say_how_they_are_written(course, zipped, monkeypatch):
    """As Ruby's zip leaves them out, and as a Mac writes them."""
    monkeypatch.setattr(zipfile.ZipInfo, "_encodeFilenameFlags", lambda info: (info.filename.encode(), info.flag_bits))
    names = ("Søren Zoë", unicodedata.normalize("NFD", "Zoë Ö"), "李雷", "Ελένη")
    path = zipped({moodle(name, 1, f"{STEM}.ipynb"): notebook() for name in names})
    assert main(["collect", "moodle", path]) == 0
    assert {name.split("/")[0] for name in there(course)} == {"Søren Zoë 1", "Zoë Ö 1", "李雷 1", "Ελένη 1"}


def test_two_at_once_of_which_none_is_named_are_not_guessed(course, zipped, capsys):
    a, b = moodle("Ada L", 1, "a.ipynb"), moodle("Ada L", 1, "b.ipynb")
    assert main(["collect", "moodle", zipped({a: notebook(), b: notebook()})]) == 1
    assert "2 notebooks at once (a.ipynb, b.ipynb)" in capsys.readouterr().err and not there(course)
    assert main(["collect", "moodle", zipped({a: notebook(), moodle("Ada L", 1, f"{STEM}.ipynb"): notebook("it")})]) == 1
    assert there(course) == {f"Ada L 1/{STEM}/{STEM}.ipynb": notebook("it")}


def test_the_chapter_is_said_by_the_notebook_its_name_or_the_instructor(course, zipped, capsys):
    contents = {canvas("a", 1, 1, "homework.ipynb"): notebook("x"), canvas("b", 2, 2, f"Copy of {STEM}.ipynb"): b"{broken",
                canvas("c", 3, 3, "homework.ipynb"): b"{broken", canvas("d", 4, 4, "x.ipynb"): notebook(stem="03_cnn_features")}
    assert main(["collect", "canvas", zipped(contents)]) == 1
    said = capsys.readouterr().err
    assert there(course).keys() == {f"1/{STEM}/{STEM}.ipynb", f"2/{STEM}/{STEM}.ipynb"}
    assert "3: homework.ipynb says nowhere of which chapter it is" in said and "is of 03_cnn_features, which is not released" in said
    assert main(["collect", "canvas", zipped(contents), "--chapter", "2"]) == 0
    assert there(course)[f"3/{STEM}/{STEM}.ipynb"] == b"{broken", "the grader says to the student that it is unreadable"


def test_the_weights_of_an_entry_come_along_and_go_with_it(course, zipped):
    mine = {canvas("a", 1, 1, "entry.safetensors"): b"weights", canvas("a", 1, 2, "15_challenge.ipynb"): notebook(stem="15_challenge")}
    assert main(["collect", "canvas", zipped(mine)]) == 0
    assert there(course).keys() == {"1/15_challenge/15_challenge.ipynb", "1/15_challenge/entry.safetensors"}
    again = {canvas("a", 1, 5, "15_challenge.ipynb"): notebook("without", stem="15_challenge")}
    assert main(["collect", "canvas", zipped(again)]) == 0
    assert there(course).keys() == {"1/15_challenge/15_challenge.ipynb"}


def test_paths_that_lead_out_links_and_other_files_are_said(course, zipped, tmp_path, capsys):
    path = zipped({"../../evil.ipynb": notebook(), "/etc/evil.ipynb": notebook(), "a\\..\\b_1_2_x.ipynb": notebook(),
                   canvas("a", 1, 1, "report.pdf"): b"%PDF", "b_2_text.html": "hi", "notes.txt": "?"})
    with zipfile.ZipFile(path, "a") as file:
        link = zipfile.ZipInfo(canvas("c", 3, 3, "02_gan_losses.ipynb"))
        link.create_system, link.external_attr = 3, (stat.S_IFLNK | 0o777) << 16
        file.writestr(link, "/etc/passwd")
    outside = set(tmp_path.rglob("*"))
    assert main(["collect", "canvas", path]) == 1
    said = capsys.readouterr().err
    for words in ("'../../evil.ipynb' leads out", "'/etc/evil.ipynb' leads out", "leads out", "report.pdf is no notebook",
                  "b_2_text.html: a text that was typed", "'notes.txt' is not named as Canvas", "02_gan_losses.ipynb is a link"):
        assert words in said
    assert not there(course) and {p for p in tmp_path.rglob("*") if p.name != ".autograde.lock"} == outside


def test_a_student_cannot_be_named_out_of_the_folder(course, zipped, tmp_path, capsys):
    roster = ROSTER.replace(",ada,", ",../ada,").replace(",soren,", ",.ssh,")
    path = zipped({canvas("Lovelace, Ada", 11, 1, f"{STEM}.ipynb"): notebook(), canvas("Zoë, Søren", 12, 2, f"{STEM}.ipynb"): notebook()})
    assert main(["collect", "canvas", path, "--roster", table(tmp_path / "r.csv", roster)]) == 1
    assert capsys.readouterr().err.count("can be no folder's name") == 2 and not there(course)


def test_nothing_is_written_through_a_link(course, zipped, tmp_path, capsys):
    (tmp_path / "elsewhere").mkdir()
    (course / "submitted").mkdir()
    (course / "submitted" / "1").symlink_to(tmp_path / "elsewhere")
    assert main(["collect", "canvas", zipped({canvas("a", 1, 1, f"{STEM}.ipynb"): notebook()})]) == 1
    assert "its folder is a link" in capsys.readouterr().err and not list((tmp_path / "elsewhere").iterdir())


def test_a_bomb_is_refused_whole(course, zipped, capsys, monkeypatch):
    monkeypatch.setattr(archive, "MIN_BYTES", 1_000_000)
    path = zipped({canvas("a", n, n, f"{STEM}.ipynb"): b"0" * 1_000_000 for n in range(3)})
    assert main(["collect", "canvas", path]) == 2
    assert "somebody uploaded a bomb" in capsys.readouterr().err and not (course / "submitted").exists()


def test_a_file_that_is_larger_than_a_notebook_is_said(course, zipped, capsys):
    path = zipped({canvas("a", 1, 1, f"{STEM}.ipynb"): os.urandom(21_000_000)})
    assert main(["collect", "canvas", path]) == 1
    assert "has 21 MB; at most 20 MB are taken" in capsys.readouterr().err and not there(course)


def test_a_damaged_file_costs_only_itself(course, zipped, capsys):
    path = zipped({canvas("a", 1, 1, f"{STEM}.ipynb"): notebook("x" * 999), canvas("b", 2, 2, f"{STEM}.ipynb"): notebook()})
    with open(path, "r+b") as file:
        file.seek(120)
        file.write(b"\xff" * 20)
    assert main(["collect", "canvas", path]) == 1
    assert "is damaged in the archive" in capsys.readouterr().err and there(course).keys() == {f"2/{STEM}/{STEM}.ipynb"}


def test_a_full_disk_leaves_everything_as_it_was(course, zipped, capsys, monkeypatch):
    main(["collect", "canvas", zipped({canvas("a", 1, 1, f"{STEM}.ipynb"): notebook("old")})])
    before, folders, write = whole(course), set(course.rglob("*")), os.fsync
    calls = iter(range(100))

    def full(file):
        if next(calls) == 2:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        write(file)
    monkeypatch.setattr(os, "fsync", full)
    new = {canvas("a", n, n + 10, f"{STEM}.ipynb"): notebook("new") for n in (1, 2, 3)}
    assert main(["collect", "canvas", zipped(new)]) == 2
    assert "the disk is full: nothing was collected, and submitted/ is as it was" in capsys.readouterr().err
    assert whole(course) == before and set(course.rglob("*")) == folders


def test_a_disk_without_room_for_folders_leaves_none(course, zipped, monkeypatch):
    make, made = os.mkdir, []

    def full(path, *args, **kwargs):
        made.append(path)
        if f"submitted/2/{STEM}" in str(path):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        make(path, *args, **kwargs)
    monkeypatch.setattr(os, "mkdir", full)
    assert main(["collect", "canvas", zipped({canvas("a", n, n, f"{STEM}.ipynb"): notebook() for n in (1, 2)})]) == 2
    assert made and not (course / "submitted").exists()


def commit(clone, files, when, message="work"):
    for name, content in files.items():
        (clone / name).parent.mkdir(parents=True, exist_ok=True)
        (clone / name).write_bytes(content)
    dates = {"GIT_AUTHOR_DATE": when, "GIT_COMMITTER_DATE": when}
    who = ["-c", "user.name=a", "-c", "user.email=a@x.edu", "-c", "commit.gpgsign=false"]
    for words in (["add", "-A"], [*who, "commit", "-q", "--allow-empty", "-m", message]):
        subprocess.run(["git", "-C", str(clone), *words], check=True, env=os.environ | dates)


def cloned(folder, name):
    subprocess.run(["git", "init", "-q", str(folder / name)], check=True)
    return folder / name


@pytest.fixture
def clones(tmp_path):
    folder = tmp_path / "clones"
    folder.mkdir()
    ada = cloned(folder, "02-gan-losses-ada-l")
    commit(ada, {f"{STEM}.ipynb": notebook("before")}, "2026-03-01T10:00:00+00:00")
    commit(ada, {f"{STEM}.ipynb": notebook("after"), f"backup/{STEM}.ipynb": notebook("old")}, "2026-03-03T10:00:00+00:00")
    commit(cloned(folder, "02-gan-losses-ben"), {"README.md": b"later"}, "2026-03-01T10:00:00+00:00")
    cloned(folder, "02-gan-losses-cay")
    dan = cloned(folder, "02-gan-losses-dan")
    (dan / f"{STEM}.ipynb").symlink_to("/etc/passwd")
    commit(dan, {}, "2026-03-01T10:00:00+00:00")
    commit(cloned(folder, "02-gan-losses-eve"), {f"{STEM}.ipynb": notebook()}, "2026-03-05T10:00:00+00:00")
    return folder


def test_github_takes_the_last_commit_before_the_deadline(course, clones, tmp_path, capsys):
    roster = table(tmp_path / "r.csv", "identifier,github_username,github_id,name\nada@x.edu,Ada-L,1,\nben@x.edu,ben,2,\ncay,cay,3,\ndan,dan,4,\n")
    assert main(["collect", "github", str(clones), "--roster", roster, "--deadline", "2026-03-02T00:00+00:00"]) == 1
    assert there(course) == {f"ada@x.edu/{STEM}/{STEM}.ipynb": notebook("before"),
                             f"ada@x.edu/{STEM}/timestamp.txt": b"2026-03-01 10:00:00 UTC"}
    assert Course(course).submissions(course / "submitted")[0].timestamp == "2026-03-01 10:00:00 UTC"
    said = capsys.readouterr().err
    for words in ("ben (ben@x.edu) has no notebook in its last commit: expected an .ipynb file, found README.md",
                  "cay (cay) is empty", "dan (dan) has no notebook", "02-gan-losses-eve is of nobody in"):
        assert words in said
    assert main(["collect", "github", str(clones), "--roster", roster]) == 1
    assert there(course)[f"ada@x.edu/{STEM}/{STEM}.ipynb"] == notebook("after"), "that at the top, not the one in backup/"


def test_github_without_a_roster_and_before_everything(course, clones, capsys):
    assert main(["collect", "github", str(clones), "--deadline", "2026-03-02T00:00+00:00"]) == 1
    assert {name.split("/")[0] for name in there(course)} == {"ada-l"}
    assert "eve (eve) has no commit before 2026-03-02" in capsys.readouterr().err


MISTAKES = {
    "canvas nothing.zip": "No such file", "canvas roster.csv": "is no zip archive that can be read", "github .": "holds no clone of a repository",
    "canvas good.zip --chapter 3": "03_cnn_features is not released", "canvas good.zip --chapter gan_loses": "did you mean 'gan_losses'?",
    "canvas good.zip --course ..": "no chapter is released", "canvas good.zip --roster nothing.csv": "No such file",
    "canvas good.zip --roster bad.csv": "expected one of the columns id, canvas_user_id, found Who", "github . --deadline tomorrow": "is no deadline",
    "canvas good.zip --roster good.zip": "is no table as text", "moodle good.zip --deadline 2026-03-01": "--deadline is for clones",
    "blackboard good.zip": "invalid choice",
}


@pytest.mark.parametrize("words", MISTAKES)
def test_a_mistake_is_a_sentence_and_changes_nothing(words, course, zipped, capsys):
    os.rename(zipped({canvas("a", 1, 1, f"{STEM}.ipynb"): notebook()}), "good.zip")
    table(course / "roster.csv", ROSTER)
    table(course / "bad.csv", "Who\nme\n")
    before = whole(course)
    try:
        status = main(["collect", *words.split()])
    except SystemExit as stop:
        status = stop.code
    said = capsys.readouterr().err
    assert status == 2 and MISTAKES[words] in said and len(said.strip().splitlines()) == 1 and whole(course) == before
