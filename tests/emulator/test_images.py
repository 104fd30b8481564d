"""Images as inputs and outputs: layouts, scale and bias, greys, and what does not fit."""

import numpy as np
import pytest
import torch
from PIL import Image
from torch import nn

from convert.emulator import EmulatedModel
from mlx_vader.errors import UsageError
from tests.emulator.conversion import Stranger, by_hand, ct, save


@pytest.mark.parametrize("layout", ["RGB", "BGR"])
def test_images_in_and_out(tmp_path, layout):
    class Levels(Stranger):
        def forward(self, x):
            return super().forward(x).sigmoid() * 255

    color = getattr(ct.colorlayout, layout)
    path = save(
        Levels(),
        [torch.zeros(1, 3, 8, 12)],
        tmp_path / "image.mlpackage",
        inputs=[ct.ImageType("x", (1, 3, 8, 12), scale=1 / 255, bias=[-0.1, 0, 0.1], color_layout=color)],
        outputs=[ct.ImageType("y", color_layout=color)],
    )
    pixels = np.random.default_rng(0).integers(0, 256, (8, 12, 3), np.uint8)
    image = EmulatedModel(path).predict({"x": Image.fromarray(pixels)})["y"]
    order = slice(None) if layout == "RGB" else slice(None, None, -1)
    given = pixels[..., order].astype(np.float32) / 255 + np.float32([-0.1, 0, 0.1])
    wanted = 255 / (1 + np.exp(-by_hand(given.transpose(2, 0, 1)[None])))
    assert (image.mode, image.size) == ("RGBA", (24, 16))
    difference = np.asarray(image)[..., :3] - wanted[0].transpose(1, 2, 0)[..., order]
    assert np.abs(difference).max() < 1


@pytest.mark.parametrize(("layout", "mode"), [("GRAYSCALE", "L"), ("GRAYSCALE_FLOAT16", "F")])
def test_grayscale_images(tmp_path, layout, mode):
    class Less(nn.Module):
        def forward(self, x):
            return x * 0.5 - 2

    color = getattr(ct.colorlayout, layout)
    path = save(
        Less(),
        [torch.zeros(1, 1, 4, 6)],
        tmp_path / "gray.mlpackage",
        inputs=[ct.ImageType("x", (1, 1, 4, 6), color_layout=color)],
        outputs=[ct.ImageType("y", color_layout=color)],
    )
    given = np.arange(24, dtype=np.float32).reshape(4, 6)
    image = Image.fromarray(given.astype(np.uint8) if mode == "L" else given)
    result = EmulatedModel(path).predict({"x": image})["y"]
    assert result.mode == mode
    wanted = given / 2 - 2
    np.testing.assert_array_equal(np.asarray(result), np.rint(wanted.clip(0)) if mode == "L" else wanted)


def test_wrong_images_are_refused(tmp_path):
    path = save(
        Stranger(),
        [torch.zeros(1, 3, 8, 12)],
        tmp_path / "image.mlpackage",
        inputs=[ct.ImageType("x", (1, 3, 8, 12))],
    )
    model = EmulatedModel(path)
    for value, message in (
        (np.zeros((1, 3, 8, 12)), "ndarray"),
        (Image.new("RGB", (8, 12)), "12×8"),
        (Image.new("L", (12, 8)), "mode L"),
    ):
        with pytest.raises(UsageError, match=message) as caught:
            model.predict({"x": value})
        assert caught.value.hint
