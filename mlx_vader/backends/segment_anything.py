"""Objects from clicks and words, by SAM 2 and GroundingDINO of `transformers`, in PyTorch.

SAM 2 (Ravi et al., arXiv 2408.00714) follows an object through the frames that it is given, one by one. GroundingDINO
(Liu et al., arXiv 2303.05499) finds boxes for words. Weights are a folder, or a name in the cache of Hugging Face's
hub; nothing is downloaded.
"""

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from mlx_vader.arrays import LevelFrame, Mask
from mlx_vader.backends.torch import best_device
from mlx_vader.errors import VaderError

if TYPE_CHECKING:
    import torch

#: ImageNet's mean and deviation of R, G and B: what both were trained with.
_MEAN, _DEVIATION = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
#: How sure GroundingDINO has to be of a box, and of the words in it: what its authors use.
_BOX_THRESHOLD, _TEXT_THRESHOLD = 0.35, 0.25


class SegmentAnything:
    """Both networks, or SAM 2 alone where no words are to be understood."""

    def __init__(self, segmenter: str, detector: str | None = None) -> None:
        """Folders or names of weights. Raises VaderError where these or `transformers` are not there."""
        try:
            import transformers
        except ImportError as error:
            raise VaderError(
                "clicks and prompts need transformers", hint="pip install 'vader-mlx[prompt]'"
            ) from error
        transformers.logging.set_verbosity_error()
        transformers.logging.disable_progress_bar()
        self._device = best_device()
        self.names = (segmenter, detector or "")
        self._tracker = self._loaded(transformers.Sam2VideoModel, segmenter)
        if detector is not None:
            self._finder = self._loaded(transformers.GroundingDinoForObjectDetection, detector)
            self._processor = _load(transformers.GroundingDinoProcessor, detector)

    def boxes(self, levels: LevelFrame, words: str) -> list[tuple[tuple[float, float, float, float], float]]:
        """Left, top, right and bottom, in pixels, of what the words mean, and how sure that is, from 0 to 1."""
        import torch

        # It was trained on lower-case phrases that end in a full stop.
        text = words.lower().rstrip(" .") + "."
        inputs = self._processor(images=levels, text=text, return_tensors="pt").to(self._device)
        with torch.inference_mode():
            outputs = self._finder(**inputs)
        (found,) = self._processor.post_process_grounded_object_detection(
            outputs,
            inputs.input_ids,
            threshold=_BOX_THRESHOLD,
            text_threshold=_TEXT_THRESHOLD,
            target_sizes=[levels.shape[:2]],
        )
        return [
            (tuple(box), score)
            for box, score in zip(found["boxes"].tolist(), found["scores"].tolist(), strict=True)
        ]

    def track(
        self, frames: Iterable[LevelFrame], objects: Sequence[Sequence[tuple[float, float, int]]]
    ) -> Iterator[Mask]:
        """Where the objects are in each frame, 0 or 1, from the first on, in which they are pointed at.

        Each object is points x, y, in pixels, and what they are: 1 on it, 0 beside it, 2 and 3 the upper left and lower
        right corner of a box around it.
        """
        import torch
        from transformers import Sam2VideoInferenceSession

        model = self._tracker
        here: dict[str, Any] = dict.fromkeys(
            ("inference_device", "inference_state_device", "video_storage_device"), self._device
        )
        session = Sam2VideoInferenceSession(dtype=torch.float32, **here)
        side = model.config.image_size
        for number, levels in enumerate(frames):
            height, width = levels.shape[:2]
            if number == 0:
                session.video_height, session.video_width = height, width
                _point(session, objects, side / width, side / height)
            with torch.inference_mode():
                output = model(session, frame=self._prepared(levels, side), frame_idx=number)
                logits = output.pred_masks.amax(dim=0, keepdim=True)
                enlarged = torch.nn.functional.interpolate(logits, (height, width), mode="bilinear")
            _forget(
                session, number - max(model.config.num_maskmem, model.config.max_object_pointers_in_encoder)
            )
            yield (enlarged[0, 0] > 0).float().cpu().numpy()[..., None]

    def _prepared(self, levels: LevelFrame, side: int) -> "torch.Tensor":
        """A frame as SAM 2 takes it: a square, whatever its shape."""
        import torch

        # On the CPU: not all devices can make pictures smaller without aliasing.
        picture = torch.from_numpy(np.ascontiguousarray(levels)).permute(2, 0, 1)[None].float() / 255
        picture = torch.nn.functional.interpolate(picture, (side, side), mode="bilinear", antialias=True)
        mean, deviation = (torch.tensor(values).view(1, 3, 1, 1) for values in (_MEAN, _DEVIATION))
        return ((picture - mean) / deviation).to(self._device)

    def _loaded(self, kind: Any, name: str) -> Any:
        return _load(kind, name).eval().to(self._device)


def _load(kind: Any, name: str) -> Any:
    try:
        return kind.from_pretrained(name, local_files_only=True)
    except (OSError, ValueError, KeyError) as error:
        if Path(name).is_dir():
            raise VaderError(
                f"{name} does not hold {kind.__name__} of transformers",
                hint="was it saved by save_pretrained?",
            ) from error
        raise VaderError(
            f"the weights {name} are not on this machine",
            hint=f"hf download {name}, or name a folder with --segmenter and --detector",
        ) from error


def _point(
    session: Any, objects: Sequence[Sequence[tuple[float, float, int]]], across: float, down: float
) -> None:
    import torch

    for number, points in enumerate(objects):
        places = [[x * across, y * down] for x, y, _ in points]
        inputs = {
            "point_coords": torch.tensor([[places]], dtype=torch.float32),
            "point_labels": torch.tensor([[[kind for *_, kind in points]]], dtype=torch.int32),
        }
        session.add_point_inputs(session.obj_id_to_idx(number), 0, inputs)
    session.obj_with_new_inputs = list(range(len(objects)))


def _forget(session: Any, before: int) -> None:
    """Lets go of frames that count no more: memory does not grow with the video."""
    kept = [session.processed_frames, *session.frames_tracked_per_obj.values()]
    kept += [outputs["non_cond_frame_outputs"] for outputs in session.output_dict_per_obj.values()]
    for frames in kept:
        for number in [number for number in frames if number < before]:
            del frames[number]
