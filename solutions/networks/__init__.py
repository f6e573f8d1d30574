"""Parts of networks, and networks that stand in several chapters; they know no game and no chapter.

    layers            sizes, memory layout, averaged weights, statistics of a batch
    autoencoder       clips to codes and back, and two ways to draw new codes (chapter 1)
    clip_cnn          networks that see time, and a loop that trains classifiers (chapter 3)
    directions        directions in z that are in the weights (chapter 12)
    perceptron        rows of numbers to others (chapters 10 and 14)
    principal         clips to codes and back by their principal components (chapter 10)
    velocity_network  a velocity for codes (chapters 13 and 15)
"""
