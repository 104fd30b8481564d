"""Marks that stand still: what sampled frames say of each pixel, and the mask that is made of it."""
