"""Text about a file and its streams: titles, languages, tags of any name."""

from collections.abc import Mapping
from typing import Any

from av.container import InputContainer
from av.stream import Stream

#: Text that is written for one container or stream and false in another.
_STALE = frozenset(
    {
        "major_brand",
        "minor_version",
        "compatible_brands",
        "encoder",
        "vendor_id",
        "rotate",
        "duration",
        "bps",
        "number_of_frames",
        "number_of_bytes",
        "_statistics_writing_app",
        "_statistics_writing_date_utc",
        "_statistics_tags",
    }
)


def lasting(metadata: Mapping[str, str]) -> dict[str, str]:
    """What of a container's or stream's metadata is true of its copy too."""
    return {key: text for key, text in metadata.items() if key.lower().removesuffix("-eng") not in _STALE}


def describe_alike(stream: Stream, copy: Any) -> None:
    """Gives a copied stream the text and the disposition of its source."""
    copy.metadata.update(lasting(stream.metadata))
    copy.disposition = stream.disposition
    if copy.container.format.name in {"mp4", "mov"} and "title" in copy.metadata:
        copy.metadata["handler_name"] = copy.metadata["title"]  # where players look for a track's name


def lost_tags(source: InputContainer, written: InputContainer, places: Mapping[int, int]) -> list[str]:
    """What a finished file does not say that its source says: "tag PROJECT", "title of audio stream 1".

    `places` tells the index in `written` of streams of `source`.
    """
    lost = [f"tag {key}" for key in _missing(source.metadata, written.metadata)]
    for index, place in places.items():
        stream, said = source.streams[index], {"und", *written.streams[place].metadata.values()}
        silent = [key for key in ("title", "language") if stream.metadata.get(key, "und") not in said]
        lost += [f"{key} of {stream.type} stream {index}" for key in silent]
    return lost


def _missing(before: Mapping[str, str], after: Mapping[str, str]) -> list[str]:
    """Keys, unless the same text stands under another name, as containers have names of their own."""
    names, texts = {key.lower() for key in after}, set(after.values())
    return [key for key, text in lasting(before).items() if key.lower() not in names and text not in texts]
