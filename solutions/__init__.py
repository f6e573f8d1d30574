"""The reference solutions: directly here one module a chapter, the model answer to each exercise; packages around them.

    package      holds                                      knows beside itself           and the answers of
    networks     parts of networks that several share       -                             -
    training     the one trainer of the course              networks                      gan_losses, stability
    measures     what samples and runs are measured by      training                      pipeline, evaluation, responsibility
    models       each model's recipe for the trainer        networks, training            any chapter
    published    what the book shows without training it    models, training              gan_losses
    leaderboard  the judge's side of the challenge          measures, models, published   challenge, evaluation, responsibility

Chapters know networks, training and measures, and earlier chapters. `python -m solutions train | sample | evaluate` is
the command line; it knows all.
"""
