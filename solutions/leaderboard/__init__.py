"""The judge's side of the challenge (chapter 15).

    board        what stands on the board before anybody hands in
    cheats       entries that must end below
      judge        clips, noise and a network that no entrant has, others for each course
        scorer       the score of an entry, put together
          guard        whether its clips are copies, and made by a generator
"""
