"""To where courses live: what Gradescope and GitHub are given.

pins (the versions that this course was tried with), gradescope (the archive of an autograder), on_gradescope (what runs in
there), github (the repository that students start from), visible_checks (what runs in there, with no part of this course).
gradescope_files and github_files hold what goes out as it stands.
"""
