"""A course folder: what is found in it, and whose settings count."""
import pytest

from autograde.grading.course import Course, CourseError, course_of, said


def test_submissions_are_found_by_student_and_chapter(tmp_path):
    for path in ("ann/01_a", "ann/02_b", "ben/02_b", ".hidden/02_b", "ben/.ipynb_checkpoints",
                 "__MACOSX/02_b", "ben/__MACOSX", "@eaDir/02_b"):
        (tmp_path / "submitted" / path).mkdir(parents=True)
    course, folder = course_of(tmp_path)
    found = [(s.student, s.chapter) for s in course.submissions(folder)]
    assert found == [("ann", "01_a"), ("ann", "02_b"), ("ben", "02_b")]
    assert [s.student for s in course.submissions(folder, "02_b")] == ["ann", "ben"]
    assert [s.chapter for s in course.submissions(folder, "02_b", "ben")] == ["02_b"]
    with pytest.raises(CourseError, match="no submission for 01_a by ben"):
        course.submissions(folder, "01_a", "ben")
    with pytest.raises(CourseError, match="no submission of 'anna'; did you mean 'ann'"):
        course.submissions(folder, student="anna")


@pytest.mark.parametrize("where", ["", "submitted"])
def test_the_course_or_its_submissions_may_be_named(tmp_path, where):
    (tmp_path / "submitted").mkdir()
    course, folder = course_of(tmp_path / where)
    assert (course.root, folder) == (tmp_path, tmp_path / "submitted")


def test_which_gradebook(tmp_path):
    assert Course(tmp_path).db_url == f"sqlite:///{tmp_path}/gradebook.db"
    (tmp_path / "nbgrader_config.py").write_text("c = get_config()\nc.CourseDirectory.db_url = 'postgresql://school/grades'\n"
                                                 "c.Execute.timeout = 7\n")
    assert Course(tmp_path).db_url == "postgresql://school/grades"
    assert Course(tmp_path, "sqlite:///mine.db").db_url == "sqlite:///mine.db"
    assert Course(tmp_path).config().Execute.timeout == 7, "the folder's own settings count"


def test_a_failure_of_nbgrader_is_one_sentence():
    with pytest.raises(CourseError, match="^it did not work: ValueError: no$"):
        said({"success": False, "log": "[INFO] started", "error": "Traceback\n  File x\nValueError: no\n"}, "it did not work")
    assert said({"success": True}, "it did not work") is None
