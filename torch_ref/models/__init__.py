"""The networks in PyTorch, file by file as in `mlx_vader/models`."""
