"""From the source of a chapter to what people read and solve.

answers (an answer and its stub), directives and markdown (MyST), chapter (a chapter, read), source (the page of the
book), dependencies (what its outputs hang on), release and publish (student notebooks), reference_run, side_by_side, site,
katex and browser (the book, executed and built).
"""
