"""How each model of the course is trained by the one trainer, a module a recipe; and the list of all.

    registry            models and data sets by name, for the command line
    saved               a generator in a file, and out of it
    dcgan               of chapter 4
    conditional         the conditional GAN of chapter 7
    translation         CycleGAN, of chapter 8
    stylegan2           of chapter 9
    video_gan           VideoGAN, of chapter 10
    infogan             codes whose meaning the network finds (chapter 7)
    inpainting          an autoencoder GAN that fills holes (chapter 8)
    frames_as_channels  an image GAN whose channels are frames, the baseline of chapter 10
    as_published        VideoGAN and MoCoGAN with their papers' judges and loss, to compare with
    mocogan             content and motion apart, of the parts in `solutions.video_gan`
    latent_gan          a GAN of the codes of clips (chapter 10)
    latent_flow         flow matching on codes (chapter 13)
    principal_flow      the same on principal components, beside the GAN of codes (chapter 10)
    steered             people who obey commands, made frame by frame
    dcgan_walkers       the DCGAN of the book's start page, trained longer
"""
