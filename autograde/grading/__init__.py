"""From a submission to a grade.

course (the folder), intake, matching and repair (a submitted file becomes a whole notebook), runner, warm and child (a
process for each), session and judge (its cells run, its checks asked), gradebook and executed (what is kept), grader
(all of it, one submission after another), feedback and export (what goes out).
"""
