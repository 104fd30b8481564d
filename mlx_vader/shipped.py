"""The weights that come with the package by name, and what each is for; light enough for `--help`."""

#: Beginning with the one that restores frames where nothing is said.
PURPOSES = {
    "realtime": "paints over watermarks, logos and text",
    "degradations": "for video without marks: noise, grain, compression, banding, blur",
    "quality": "a v1 network, to compare with",
    "mark-finder": "finds marks that stand still",
}
#: What the name `default` stands for.
DEFAULT = "realtime"


def named_purposes() -> str:
    """The names with their purposes, in one line."""
    return ", ".join(f"{name} ({purpose})" for name, purpose in PURPOSES.items())


#: What an option that takes weights says of itself.
TAKEN = f"{', '.join(PURPOSES)}, a training run's folder, or a .safetensors"
