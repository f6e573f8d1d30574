"""What the book shows without training it: generators that come with the course, and pictures of its live demos.

    shipped        trains a generator and writes it; loads it
    live_pictures  what stands in a demo's place on paper
    weights/       what the networks have learnt, as safetensors, each with the command, seed and machine that made it
"""
