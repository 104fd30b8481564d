"""Processes over files: `clean` is the road from file to file, the others are its parts.

`plan` decides which file becomes which, `work_folder` keeps what an interruption must not lose, `pipeline` runs
decoder, process and encoder at the same time.
"""
