"""Files for Canvas and Moodle, read back by the rules of their own importers (Canvas: lib/gradebook_importer.rb, Moodle:
grade/import/csv/classes/load_data.php), written down here anew."""
import csv
import io
import re

import pytest

from autograde.grading import export
from autograde.grading.course import CourseError

TITLES = {"02_gan_losses": "2 · The losses of a GAN", "03_cnn_features": "3 · What a network sees"}
CANVAS_ROSTER = """\
Student,ID,SIS User ID,SIS Login ID,Section,2 · The losses of a GAN (4711),Final Score
,,,,,Manual Posting,
    Points Possible,,,,,31,(read only)
"Lovelace, Ann",11,S1,ANN,Year 1,,
"Babbage, Ben",12,S2,ben@school.edu,Year 1,,
"Nobody, Yet",13,S3,nob,Year 1,,
"Student, Test",99,,,Year 1,,
"""
MOODLE_ROSTER = "First name;Last name;Username;Email address;ID number\nAnn;L;ann;ann@x.edu;007\nBen;B;b2;ben@x.edu;008\n"


def record(student, score, chapter="02_gan_losses", open_=False):
    exercises = [{"id": "x", "score": None if open_ else 1.0, "max_score": 1, "checks": []}]
    return {"student": student, "chapter": chapter, "status": "graded", "said": "Graded.", "score": score, "max_score": 31.0,
            "exercises": exercises}


RECORDS = [record("ann", 28.0, open_=True), record("S2", 20.5), record("ann", 7.0, "03_cnn_features"), record("zoe", 3.0)]


def read_as_canvas(text):
    """student key -> assignment -> grade, and points; raises where Canvas would say "Invalid header row"."""
    header, *rows = csv.reader(io.StringIO(text))
    assert len(header) > 3 and "Student" in header[0] and "ID" in header[1]
    assert header[2] == "SIS User ID" and header[3] == "SIS Login ID"
    columns = 5
    assert "Section" in header[columns - 1]
    points, grades = {}, {}
    for row in rows:
        assert len(row) == len(header)
        values = dict(zip(header[columns:], row[columns:], strict=True))
        if "Points Possible" in row[0]:
            points = values
        else:
            grades[tuple(row[:4])] = values
    return points, grades


def read_as_moodle(text, known, key):
    """user -> item -> number or None; raises where Moodle would stop the whole import."""
    grades = {}
    for row in csv.DictReader(io.StringIO(text)):
        assert row[key] in known, "usermappingerror: the import is aborted"
        items = {name: value for name, value in row.items() if name in TITLES.values()}
        assert all(value in ("", "-") or re.fullmatch(r"-?\d+(\.\d+)?", value) for value in items.values()), "badgrade"
        grades[row[key]] = {name: None if value in ("", "-") else float(value) for name, value in items.items()}
    return grades


def test_csv_is_a_row_for_each_record_and_no_formula():
    rows = list(csv.DictReader(io.StringIO(export.text([record("=1+1", 2.0, open_=True)], "csv", titles=TITLES))))
    assert rows[0]["student"] == "'=1+1" and rows[0]["open"] == "1" and tuple(rows[0]) == export.COLUMNS


def test_canvas_without_a_roster():
    points, grades = read_as_canvas(export.text(RECORDS, "canvas", titles=TITLES))
    assert points == {TITLES["02_gan_losses"]: "31", TITLES["03_cnn_features"]: "31"}
    assert grades["ann", "", "", "ann"] == {TITLES["02_gan_losses"]: "28", TITLES["03_cnn_features"]: "7"}
    assert grades["zoe", "", "", "zoe"][TITLES["03_cnn_features"]] == ""


def test_canvas_with_its_own_export_as_roster(tmp_path):
    (tmp_path / "r.csv").write_text(CANVAS_ROSTER, encoding="utf-8-sig")
    roster, unknown = export.read_roster(tmp_path / "r.csv", "canvas", {"ann", "S2", "zoe"})
    assert unknown == ["zoe"]
    points, grades = read_as_canvas(export.text(RECORDS, "canvas", titles=TITLES, roster=roster))
    known = "2 · The losses of a GAN (4711)"
    assert points[known] == "31" and TITLES["02_gan_losses"] not in points
    assert {key: row[known] for key, row in grades.items()} == {
        ("Lovelace, Ann", "11", "S1", "ANN"): "28", ("Babbage, Ben", "12", "S2", "ben@school.edu"): "20.5",
        ("Nobody, Yet", "13", "S3", "nob"): ""}


def test_moodle_with_its_own_export_as_roster(tmp_path):
    (tmp_path / "r.csv").write_text(MOODLE_ROSTER)
    roster, unknown = export.read_roster(tmp_path / "r.csv", "moodle", {"ann", "S2", "zoe"})
    assert unknown == ["S2", "zoe"]
    grades = read_as_moodle(export.text(RECORDS, "moodle", titles=TITLES, roster=roster), {"007", "008"}, "ID number")
    assert grades == {"007": {TITLES["02_gan_losses"]: 28.0, TITLES["03_cnn_features"]: 7.0},
                      "008": dict.fromkeys(TITLES.values())}


def test_moodle_without_a_roster():
    grades = read_as_moodle(export.text(RECORDS, "moodle", titles=TITLES), {"ann", "S2", "zoe"}, "Username")
    assert grades["zoe"] == {TITLES["02_gan_losses"]: 3.0, TITLES["03_cnn_features"]: None}


def test_a_column_student_names_the_folders(tmp_path):
    (tmp_path / "r.csv").write_text("student,Username\nS2,bb\n")
    roster, unknown = export.read_roster(tmp_path / "r.csv", "moodle", {"S2"})
    assert unknown == [] and "bb,20.5" in export.text([RECORDS[1]], "moodle", titles=TITLES, roster=roster)


def test_a_roster_of_other_people_is_a_sentence(tmp_path):
    (tmp_path / "r.csv").write_text("Name,Mail\na,b\n")
    with pytest.raises(CourseError, match=r"names none of the students: expected one of the columns student, sis login id.*found the columns Name"):
        export.read_roster(tmp_path / "r.csv", "canvas", {"ann"})
