"""The judge's side of the challenge (chapter 14).

    board     the judge, what stands on its board, and cheats that must end below
      scorer    the score of an entry, put together
"""
