"""From a submission to a grade.

course (the folder), intake, matching and repair (a submitted file becomes a whole notebook), runner (which starts the
processes), sandbox (where a student's cells run), session (how a cell runs), defaults (what every check begins from),
judge (which asks the checks, outside), broken (a cell that nobody may edit failed), gradebook and executed (what is
kept), grader (all of it, one submission after another). What goes out: feedback, export, summary, similar and
similar_page; harmless, markup and visible see to what is shown there.
"""
