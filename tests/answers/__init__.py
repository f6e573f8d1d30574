"""Answers as students give them: for each exercise wrong ones with the hint that fits, and different right ones."""
