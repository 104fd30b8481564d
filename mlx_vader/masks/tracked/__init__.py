"""Marks that move: a badge that bounces, a logo that changes its place. `source` is the way in."""
