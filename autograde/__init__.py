"""From chapter source to student notebook, and from submission to grade and feedback.

writing/     a chapter is read, and becomes a page of the book, a student notebook, nbgrader's source
grading/     a submission is taken in, run and judged; grade, feedback and export go out
checks/      what is checked, one module a chapter
collecting/  what Canvas, Moodle and repositories hold comes into submitted/
bundling/    what Gradescope and GitHub are given

commands, tables, doctor and preflight are the command line; report asks the checks in a stock nbgrader run, which
nbgrader_config sets up.
"""
import sys

# nbformat brings jsonschema, and that would take more than a second to compile a grammar of addresses in other scripts,
# which no notebook has to follow. It does without where there is none.
sys.modules.setdefault("rfc3987_syntax", None)  # type: ignore[arg-type]  # what Python takes for "there is none"
