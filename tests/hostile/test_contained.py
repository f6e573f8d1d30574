"""The whole corpus once more where the grader has no more rights than in an ordinary container."""
import os

import pytest

from .test_hostile import *  # noqa: F403 - the same tests, with another level


@pytest.fixture(scope="module")
def level():
    if os.geteuid() != 0:
        pytest.skip("an ordinary container runs as root; nobody else can be made one for a test")
    return "contained"


# What does not know the level of the sandbox is asked once, in test_hostile: which cells run is decided outside of it, and
# pages are made of what was recorded.
del test_there_are_enough, test_who_has_cells_left_out_ends_as_with_all_cells  # noqa: F821
del test_nothing_runs_where_a_person_grades, test_nothing_runs_in_a_feedback_page  # noqa: F821
