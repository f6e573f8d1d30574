"""A student's cells run in here; the judge stays outside.

kernel (the system calls), root (what of the file system is seen), walls (every layer, in its order), wire (what crosses,
and how it is bounded), served (the side within) and asked (the judge's side), warm (the process that all are forked
from), started (how a grader starts that one), held (what a submission holds, and its end). warm, served, walls, held,
root, kernel and wire, and beside this package session and defaults, are in the memory of a submission's process: they
know no check and no answer, and nothing of what is outside.
"""
