"""The reference solutions: one module a chapter, the model answer to each exercise and what stands around them."""
