"""Blocks that the networks share, in MLX: arrays in, arrays out, channels last.

Each file has a twin of the same name in `torch_ref/layers`.
"""
