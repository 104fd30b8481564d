"""The suite `foreign`: overlays, noise and encoders that share nothing with what networks are trained on here.

`painting` draws the marks, `overlays` lays them over frames, `coding` has the encoders, `cases` is the table. Nothing
in this room imports `mlx_vader.artifacts`.
"""
