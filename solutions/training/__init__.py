"""The one trainer, and what a run of it is told and leaves: the same for every GAN of the course.

    recipe      networks, data and settings together: all that a run needs
      settings    its numbers and names, and what a model adds
      train       the loop: batches, averaged weights, checkpoints
        gan_step    one step of the game
          losses      the adversarial losses by name
        parallel    more than one process
        history     what is measured in each step
    augment     what D sees, changed at random
"""
