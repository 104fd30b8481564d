"""The networks in PyTorch: the reference that the MLX networks are compared with, and what Core ML is made from.

One file for each file in `mlx_vader/models` and `mlx_vader/layers`, the same names, channels first.
"""
