"""From where courses collect to submitted/STUDENT/CHAPTER/.

handed_in (what one person handed in, and what could not be understood), archive (a zip file, read with care), roster (the
school's own table of people), canvas, moodle and github (how each of them names things), chosen (which file counts for which
chapter), door (the one way into submitted/).
"""
