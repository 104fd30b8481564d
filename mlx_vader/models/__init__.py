"""The networks in MLX, one a file, and the registry that names them.

A network is a pure function of frames and state; see `base`. Its PyTorch twin has the same file name in
`torch_ref/models`.
"""
