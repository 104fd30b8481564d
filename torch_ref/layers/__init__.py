"""The blocks in PyTorch, file by file as in `mlx_vader/layers`."""
