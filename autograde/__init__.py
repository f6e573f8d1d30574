"""From chapter source to student notebook, and from submission to grade and feedback.

Writing:  answers (an answer and its stub), directives and markdown (MyST), chapter (a chapter, read), source (the
page of the book), release and publish (student notebooks), reference_run and site (the book, built).

Grading:  course (the folder), intake, matching and repair (a submitted file becomes a whole notebook), runner, warm
and child (a process for each), session and judge (its cells run, its checks asked), gradebook and executed (what is
kept), grading (all of it, one submission after another), feedback and export (what goes out), preflight (what a student
asks before), report (the same checks in a stock nbgrader run), nbgrader_config.

checks/ holds what is checked. commands, tables and doctor are the command line.
"""
