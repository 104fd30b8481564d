"""Where the masks of a file come from, as the options ask, and what is made of them before they are written."""

from collections.abc import Iterable, Iterator
from functools import partial
from itertools import islice

from mlx_vader.arrays import Mask
from mlx_vader.backends.segment_anything import SegmentAnything
from mlx_vader.jobs.composition import Cleaning
from mlx_vader.jobs.mask_options import MaskOptions
from mlx_vader.jobs.plan import Task
from mlx_vader.jobs.video_job import LOOKING, OnFrames
from mlx_vader.masks.clicks import parse_clicks, parse_words
from mlx_vader.masks.joined import JoinedMasks
from mlx_vader.masks.postprocess import ChangedMasks, grown, smoothed, softened, without_holes
from mlx_vader.masks.prompted import PromptedMasks
from mlx_vader.masks.seen import SeenMasks
from mlx_vader.masks.source import MaskSource
from mlx_vader.process import Finding, Video
from mlx_vader.video import frame_at
from mlx_vader.video.fields import interleaved


class Seeking:
    """What all files of a run have in common. Raises what its options are wrong in: UsageError, VaderError."""

    def __init__(self, options: MaskOptions) -> None:
        self._options = options
        self._cleaning = Cleaning(options.cleaning())
        self._clicks, self._words = parse_clicks(options.click), parse_words(options.prompt)
        self._segmenter = (
            SegmentAnything(options.segmenter, options.detector if options.prompt else None)
            if options.prompted
            else None
        )

    def of(self, task: Task) -> "Sought":
        """The masks of one file. Raises VaderError where a folder of masks has none for it."""
        return Sought(self._given(task), self._cleaning, self._options)

    def _given(self, task: Task) -> MaskSource | None:
        if self._segmenter is None:
            return self._cleaning.marking.of(task)
        seconds = partial(frame_at, task.source)
        prompted = PromptedMasks(self._segmenter, self._clicks, self._words, seconds)
        others = self._cleaning.marking.of(task) if self._cleaning.options.told else None
        return JoinedMasks([prompted, others]) if others else prompted


class Sought:
    """The masks of one video as the options ask for them."""

    def __init__(self, given: MaskSource | None, cleaning: Cleaning, options: MaskOptions) -> None:
        """`given`: where marks are found or told; None where a network that restores frames has the say."""
        masks = given or SeenMasks(cleaning.process_with(None))
        if options.holes or options.grow:
            change = partial(_changed, holes=options.holes, grow=options.grow)
            masks = ChangedMasks(masks, change, f"holes {options.holes} grown {options.grow}")
        #: Where the marks are in each frame, or field.
        self.source: MaskSource = masks
        # What is seen frame by frame is not measured: there is a mark in each frame, or there is not.
        self._treatment = cleaning.process_with(masks) if given else masks
        self._smooth, self._feather = options.smooth, options.feather

    def look(self, video: Video, on_frames: OnFrames) -> Finding:
        """The first pass: where marks are, and how they would be treated. In whole frames, also of fields."""
        for _ in self._treatment.analyse(video, {}):
            on_frames(0, LOOKING)
        finding = self._treatment.finding
        return finding.of_frames() if video.fields else finding

    def masks(self, video: Video) -> Iterator[Mask]:
        """Those of whole frames, 0 to 1."""
        frames = video.frames // 2 if video.fields else video.frames
        masks = islice(self.source.masks(0), video.frames)
        whole = islice(_woven(masks, video.top_first) if video.fields else masks, frames)
        return _each(smoothed(whole, self._smooth) if self._smooth else whole, self._feather)


def _changed(mask: Mask, holes: int, grow: float) -> Mask:
    return grown(without_holes(mask, holes) if holes else mask, grow)


def _each(masks: Iterable[Mask], feather: float) -> Iterator[Mask]:
    """With soft edges; the same array again where it comes again."""
    last: Mask | None = None
    for mask in masks:
        if mask is not last:
            last, soft = mask, softened(mask, feather)
        yield soft


def _woven(fields: Iterator[Mask], top_first: bool) -> Iterator[Mask]:
    """Whole frames of the fields' masks."""
    last: tuple[Mask, Mask] | None = None
    for pair in zip(fields, fields, strict=False):
        if last is None or pair[0] is not last[0] or pair[1] is not last[1]:
            last, whole = pair, interleaved(*(pair if top_first else pair[::-1]))
        yield whole
