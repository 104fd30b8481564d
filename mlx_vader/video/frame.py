"""A frame of a video: its samples as they are stored, and RGB when asked."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction

import av
import numpy as np
from jaxtyping import Float, Float32, Shaped, UInt8

from mlx_vader.boxes import Box
from mlx_vader.levels import to_levels
from mlx_vader.process import Patch
from mlx_vader.video.compositing import composite, parts_of
from mlx_vader.video.fields import (
    FieldOrder,
    box_of_field,
    field_of,
    interleaved,
    patches_of_field,
    woven_pictures,
)
from mlx_vader.video.layouts import planar
from mlx_vader.video.orientation import UPRIGHT, Orientation
from mlx_vader.video.planes import samples
from mlx_vader.video.to_rgb import Coding, levels_of, region_of, rgb_of

Rgb = Float32[np.ndarray, "h w 3"]

#: From a planar picture to RGB.
Conversion = Callable[[av.VideoFrame, Coding], np.ndarray]


@dataclass(frozen=True)
class Traits:
    """What all frames of one video have in common."""

    coding: Coding
    orientation: Orientation = UPRIGHT
    field_order: FieldOrder = "progressive"


class VideoFrame:
    """One picture, shown at `pts * time_base` seconds; `index` counts from the file's start.

    It keeps the samples that were decoded; RGB is computed when it is asked for. `height` and `width` are those of the
    upright picture. `damaged`: the file is broken here, and parts of the picture, or all of it, are made up. One thread
    at a time may use a frame; different frames of one video may be in different threads.
    """

    damaged = False

    def __init__(
        self,
        picture: av.VideoFrame,
        traits: Traits,
        pts: int,
        time_base: Fraction,
        index: int,
        *,
        damaged: bool = False,
    ) -> None:
        """`picture` is as it was decoded, in any pixel format and not turned; nobody writes into it from now on."""
        self.picture, self.layout = planar(picture)
        self.traits = traits
        self.pts, self.time_base, self.index, self.damaged = pts, time_base, index, damaged
        height, width = picture.height, picture.width
        self.height, self.width = (width, height) if traits.orientation.transposed else (height, width)
        self._whole: VideoFrame | None = None
        self._parity = 0
        self._rgb: Rgb | None = None
        self._levels: UInt8[np.ndarray, "h w 3"] | None = None

    @staticmethod
    def of_rgb(
        rgb: Float[np.ndarray, "h w 3"],
        like: VideoFrame | None = None,
        *,
        pts: int = 0,
        time_base: Fraction = Fraction(1, 25),
        index: int = 0,
    ) -> VideoFrame:
        """A frame that was computed: upright RGB in [0, 1].

        `like` gives it a time and, where it has the same size, its alpha, labels and pixel format; else `pts`,
        `time_base` and `index` count.
        """
        if like is None:
            return _Computed(np.asarray(rgb, np.float32), pts, time_base, index)
        if rgb.shape[:2] != (like.height, like.width):
            return _Computed(np.asarray(rgb, np.float32), like.pts, like.time_base, like.index)
        return like.edited([Patch(0, 0, np.asarray(rgb, np.float32))])

    @property
    def bits(self) -> int:
        """The depth of the stored samples; that of a float's fraction for a frame that was computed."""
        return self.layout.bits

    @property
    def rgb(self) -> Rgb:
        """RGB in [0, 1], upright, in full depth; the transfer curve (PQ, HLG) is left as it is. Do not write into it.

        Computed on first use and kept until `forget`.
        """
        if self._rgb is None:
            self._rgb = self.traits.orientation.upright(self._stored(rgb_of))
        return self._rgb

    @property
    def levels(self) -> UInt8[np.ndarray, "h w 3"]:
        """RGB in 8 bits, upright; kept as `rgb` is."""
        if self._levels is None:
            self._levels = self.traits.orientation.upright(self._stored(levels_of))
        return self._levels

    @property
    def alpha(self) -> Float32[np.ndarray, "h w"] | None:
        """Opacity in [0, 1], upright; None where every pixel is opaque by its kind."""
        if not self.layout.alpha:
            return None
        return self.traits.orientation.upright(self.samples[-1] / np.float32(self.layout.top))

    @property
    def samples(self) -> tuple[Shaped[np.ndarray, "h2 w2"], ...]:
        """The decoded samples, one array for each plane of `layout`, not turned: views, not to be written into."""
        planes = tuple(samples(self.picture))
        for plane in planes:
            plane.flags.writeable = False
        return planes

    @property
    def computed(self) -> bool:
        """Whether it is RGB alone, without stored samples."""
        return False

    @property
    def interlaced(self) -> bool:
        """Whether its rows were taken at two different times."""
        return self.traits.field_order != "progressive" and bool(self.picture.interlaced_frame)

    def forget(self) -> None:
        """Lets go of `rgb` and `levels`; they are computed again when they are asked for."""
        self._rgb = self._levels = None

    def region(self, box: Box) -> Rgb:
        """`rgb` of a box (top, left, height, width) of the upright picture, a copy; nothing else is converted.

        Raises ValueError for a box that is not wholly in the frame.
        """
        box = Box(*box)
        _check(box, self)
        if self._rgb is not None:
            return self._rgb[box.rows, box.columns].copy()
        orientation = self.traits.orientation
        return orientation.upright(self._region(orientation.stored_box(box, self.height, self.width)))

    def edited(self, patches: Sequence[Patch]) -> VideoFrame:
        """The frame with patches in it, in its own pixel format; the same object where nothing is touched.

        Every sample of luma, chroma or alpha whose pixels were not touched is the decoded one, bit for bit; alpha is
        never touched. Of two patches on one pixel, the later counts. Raises ValueError for a patch that is not wholly
        in the frame.
        """
        for patch in patches:
            _check(patch.box, self)
        wanted = [part for patch in patches for part in parts_of(patch)]
        if not wanted:
            return self
        return self._edited(wanted)

    def fields(self) -> tuple[VideoFrame, VideoFrame]:
        """The two fields in the order of time, as pictures of half the height; `woven` joins them again."""
        parities = (1, 0) if self.traits.field_order == "bff" else (0, 1)
        first, second = (self._field(parity) for parity in parities)
        return first, second

    @staticmethod
    def woven(first: VideoFrame, second: VideoFrame) -> VideoFrame:
        """The frame of two fields that `fields` made, edited or not.

        Bit-exact where nothing was edited. Raises ValueError for frames that are no two fields of one frame.
        """
        return first._woven(second)

    def _edited(self, patches: Sequence[Patch]) -> VideoFrame:
        turned = [_turned(patch, self.traits.orientation, self.height, self.width) for patch in patches]
        return self._with_picture(self._composite(turned))

    def _stored(self, convert: Conversion) -> np.ndarray:
        """What `convert` makes of the picture, not turned; field by field where there are fields."""
        if self.interlaced:
            return interleaved(*(self._field(parity)._stored(convert) for parity in (0, 1)))
        return convert(self.picture, self.traits.coding)

    def _region(self, box: Box) -> Rgb:
        """RGB of a box of the picture, both not turned."""
        if self._rgb is not None:
            return self.traits.orientation.stored(self._rgb)[box.rows, box.columns]
        if not self.interlaced:
            return region_of(self.picture, self.traits.coding, box)
        pairs = box.aligned(1, 2).within(Box(0, 0, self.picture.height, self.picture.width))
        halves = [self._field(parity)._region(box_of_field(pairs, parity)) for parity in (0, 1)]
        return interleaved(*halves)[box.top - pairs.top :][: box.height]

    def _composite(self, patches: Sequence[Patch]) -> av.VideoFrame:
        """The picture with patches in it, both not turned; field by field where there are fields."""
        if not self.interlaced:
            return composite(self.picture, self.layout, self.traits.coding, patches, self._region)
        pictures = [self._field(parity)._composite(patches_of_field(patches, parity)) for parity in (0, 1)]
        return woven_pictures(self.picture, *pictures)

    def _with_picture(self, picture: av.VideoFrame) -> VideoFrame:
        made = VideoFrame(picture, self.traits, self.pts, self.time_base, self.index)
        made._whole, made._parity, made.damaged = self._whole, self._parity, self.damaged
        return made

    def _field(self, parity: int) -> VideoFrame:
        traits = replace(self.traits, field_order="progressive")
        field = VideoFrame(field_of(self.picture, parity), traits, self.pts, self.time_base, self.index)
        field._whole, field._parity, field.damaged = self, parity, self.damaged
        return field

    def _woven(self, second: VideoFrame) -> VideoFrame:
        whole = self._whole
        if whole is None or second._whole is not whole or {self._parity, second._parity} != {0, 1}:
            raise ValueError("these frames are not the two fields of one frame")
        top, bottom = (self, second) if self._parity == 0 else (second, self)
        return whole._with_picture(woven_pictures(whole.picture, top.picture, bottom.picture))


class _Computed(VideoFrame):
    """A frame that was never stored: RGB is all there is."""

    def __init__(self, rgb: Rgb, pts: int, time_base: Fraction, index: int) -> None:
        self.pts, self.time_base, self.index = pts, time_base, index
        self.height, self.width = rgb.shape[:2]
        self._rgb, self._levels = rgb, None

    @property
    def bits(self) -> int:
        return np.finfo(np.float32).nmant

    @property
    def levels(self) -> UInt8[np.ndarray, "h w 3"]:
        if self._levels is None:
            self._levels = to_levels(self.rgb)
        return self._levels

    @property
    def alpha(self) -> None:
        return None

    @property
    def samples(self) -> tuple[np.ndarray, ...]:
        return ()

    @property
    def computed(self) -> bool:
        return True

    @property
    def interlaced(self) -> bool:
        return False

    def forget(self) -> None:
        self._levels = None

    def _edited(self, patches: Sequence[Patch]) -> VideoFrame:
        rgb = self.rgb.copy()
        for patch in patches:
            where = True if patch.touched is None else patch.touched[..., None]
            np.copyto(rgb[patch.box.rows, patch.box.columns], patch.rgb, where=where)
        return _Computed(rgb, self.pts, self.time_base, self.index)

    def fields(self) -> tuple[VideoFrame, VideoFrame]:
        top, bottom = (
            _Computed(self.rgb[parity::2], self.pts, self.time_base, self.index) for parity in (0, 1)
        )
        return top, bottom

    def _woven(self, second: VideoFrame) -> VideoFrame:
        return _Computed(interleaved(self.rgb, second.rgb), self.pts, self.time_base, self.index)


def _check(box: Box, frame: VideoFrame) -> None:
    if box != box.within(Box(0, 0, frame.height, frame.width)):
        raise ValueError(f"{box} is not within a frame of {frame.width}x{frame.height}")


def _turned(patch: Patch, orientation: Orientation, height: int, width: int) -> Patch:
    """An upright patch of a frame of `height` and `width` as it lies in the stored picture."""
    box = orientation.stored_box(patch.box, height, width)
    touched = None if patch.touched is None else orientation.stored(patch.touched)
    return Patch(box.top, box.left, orientation.stored(patch.rgb), touched)
