"""Models that stand beside those of the chapters, each a recipe for the one trainer; and the list of all.

    registry            models and data sets by name, for the command line
    saved               a generator in a file, and out of it
    infogan             codes whose meaning the network finds (chapter 7)
    inpainting          an autoencoder GAN that fills holes (chapter 8)
    frames_as_channels  an image GAN whose channels are frames, the baseline of chapter 10
    mocogan             content and motion apart, of the parts in `solutions.video_gan`
    latent_flow         flow matching on codes (chapter 13)
    dcgan_walkers       the DCGAN of the book's start page, trained longer
"""
