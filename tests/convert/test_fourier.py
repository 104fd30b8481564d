"""Fourier units, as LaMa has them, in a package: the numbers are PyTorch's."""

import numpy as np
import pytest
import torch

from convert.coreml import TwinSource, write_package
from convert.emulator import EmulatedModel
from convert.fourier import forward_matrices, inverse_matrices
from convert.package import read_spec
from mlx_vader.errors import VaderError
from mlx_vader.models.base import restoration
from torch_ref.models.base import Network, Restored


class FourierNetwork(Network):
    """A 1x1 convolution of the spectrum, real and imaginary parts as channels, after LaMa's `FourierUnit`."""

    interface = restoration(stride=8, mask=False)

    def __init__(self, norm, dim=(-2, -1), size=None):
        super().__init__()
        self.norm, self.dim, self.size = norm, dim, size
        self.conv = torch.nn.Conv2d(6, 6, 1)

    def restore(self, frames, state):
        return Restored(self.restored(frames[:, 0]).unsqueeze(1), None, {})

    def restored(self, x):
        """LaMa's own lines."""
        batch = x.shape[0]
        spectrum = torch.fft.rfftn(x, dim=self.dim, norm=self.norm)
        spectrum = torch.stack((spectrum.real, spectrum.imag), dim=-1)
        spectrum = spectrum.permute(0, 1, 4, 2, 3).contiguous().view((batch, -1, *spectrum.size()[2:4]))
        spectrum = torch.relu(self.conv(spectrum))
        spectrum = spectrum.view((batch, -1, 2, *spectrum.size()[2:])).permute(0, 1, 3, 4, 2).contiguous()
        spectrum = torch.complex(spectrum[..., 0], spectrum[..., 1])
        return torch.fft.irfftn(spectrum, s=self.size or x.shape[-2:], dim=(-2, -1), norm=self.norm)


class InPlaceViews(FourierNetwork):
    """The same with the two-dimensional functions and views of complex numbers."""

    def restored(self, x):
        spectrum = torch.view_as_real(torch.fft.rfft2(x, norm=self.norm))
        spectrum = torch.relu(self.conv(torch.cat(spectrum.unbind(-1), dim=1)))
        spectrum = torch.view_as_complex(torch.stack(spectrum.chunk(2, dim=1), dim=-1))
        return torch.fft.irfft2(spectrum, norm=self.norm)


@pytest.mark.parametrize("norm", ["ortho", "backward", "forward"])
@pytest.mark.parametrize("size", [(6, 8), (5, 7), (4, 9)], ids=str)
def test_matrices_are_the_transform(size, norm):
    x = np.random.default_rng(0).normal(size=size)
    (height, width), k = size, size[1] // 2 + 1
    rows, columns = forward_matrices(height, width, norm)
    parts = x @ columns
    parts = rows @ np.concatenate([parts[:, :k], parts[:, k:]])
    spectrum = np.fft.rfft2(x, norm=norm)
    assert np.allclose(parts[:height] + 1j * parts[height:], spectrum, atol=1e-5)
    rows, columns = inverse_matrices(height, width, norm)
    parts = rows @ np.concatenate([spectrum.real, spectrum.imag])
    assert np.allclose(np.concatenate([parts[:height], parts[height:]], 1) @ columns, x, atol=1e-5)


@pytest.mark.parametrize(
    ("network", "norm"), [(FourierNetwork, "ortho"), (InPlaceViews, "ortho"), (InPlaceViews, None)]
)
def test_a_fourier_unit_in_a_package_equals_pytorch(tmp_path, network, norm):
    torch.manual_seed(0)
    net = network(norm).eval()
    report = write_package(TwinSource("fourier", net, {}), tmp_path / "net.mlpackage", shapes="64x96")
    frame = torch.rand(1, 3, 64, 96)
    ours = torch.from_numpy(EmulatedModel(report.path).predict({"frames": frame.numpy()})["restored"]).float()
    wanted = net(frame.unsqueeze(1)).frames[:, 0]
    noise = ((ours - wanted) ** 2).mean() / wanted.var()
    assert -10 * torch.log10(noise) > 50
    assert report.fp32_ops == ()
    assert report.ops["matmul"] == 4
    assert not {"gather", "range_1d", "cos", "fill"} & report.ops.keys()
    assert len(read_spec(report.path).description.output) == 1


@pytest.mark.parametrize(
    ("network", "shapes", "message"),
    [
        (FourierNetwork("ortho"), "64,128", "no flexible sizes"),
        (FourierNetwork("ortho", dim=(-3, -2)), "64", "height and width"),
        (FourierNetwork("ortho", size=(32, 64)), "64", "crops or pads"),
    ],
)
def test_other_transforms_are_refused_with_a_way_out(tmp_path, network, shapes, message):
    with pytest.raises(VaderError, match=message) as caught:
        write_package(TwinSource("fourier", network.eval(), {}), tmp_path / "net.mlpackage", shapes=shapes)
    assert caught.value.hint
    assert not list(tmp_path.iterdir())
