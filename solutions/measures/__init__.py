"""What samples, networks and runs are measured by: features and distances, descriptors, diagnoses, costs.

    scores              how good a generator is, beside how good real clips would be
      clip_features       features of clips of walkers, by a small network that is trained here
      inception_features  features of frames, by Inception
      i3d_features        features of clips, by I3D
    coverage            which kinds a generator makes, and which it misses
    descriptors         colour, texture and motion of a clip, without a network (chapter 1)
    health              from a run's curves and samples to a named diagnosis (chapter 5)
    clip_quality        how like two images are, how much a clip flickers or is speckled (chapters 10, 11)
    membership          who was in the training set, by what a network gives away (chapter 12)
    watermark           the frequencies that carry an invisible mark, and its score (chapter 12)
    energy              operations, energy and emissions of a run (chapter 12)
    equal_compute       two ways to train, where each may do as many operations (chapter 13)
"""
