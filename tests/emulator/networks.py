"""Networks as people convert them, small, with random weights."""

import torch
from torch import nn
from torch.nn import functional


class Residual(nn.Module):
    def __init__(self, channels: int, stride: int) -> None:
        super().__init__()
        out = channels * stride
        self.body = nn.Sequential(
            nn.Conv2d(channels, out, 3, stride, 1, bias=False),
            nn.BatchNorm2d(out),
            nn.ReLU(),
            nn.Conv2d(out, out, 3, 1, 1, bias=False),
            nn.BatchNorm2d(out),
        )
        self.skip = nn.Identity() if stride == 1 else nn.Conv2d(channels, out, 1, stride)

    def forward(self, x):
        return functional.relu(self.body(x) + self.skip(x))


class ResNet(nn.Sequential):
    """7×7 stem, max pool, residual blocks, average pool, linear."""

    def __init__(self) -> None:
        super().__init__(
            nn.Conv2d(3, 8, 7, 2, 3),
            nn.MaxPool2d(3, 2, 1),
            Residual(8, 1),
            Residual(8, 2),
            nn.AdaptiveAvgPool2d(1),
            nn.Flatten(),
            nn.Linear(16, 10),
            nn.Softmax(-1),
        )


class Squeeze(nn.Module):
    def __init__(self, channels: int) -> None:
        super().__init__()
        self.gate = nn.Sequential(
            nn.AdaptiveAvgPool2d(1),
            nn.Conv2d(channels, 4, 1),
            nn.ReLU(),
            nn.Conv2d(4, channels, 1),
            nn.Hardsigmoid(),
        )

    def forward(self, x):
        return x * self.gate(x)


class MobileNet(nn.Sequential):
    """Depthwise convolutions, relu6, hard swish, squeeze and excitation."""

    def __init__(self) -> None:
        super().__init__(
            nn.Conv2d(3, 12, 3, 2, 1),
            nn.Hardswish(),
            nn.Conv2d(12, 12, 3, 1, 1, groups=12),
            nn.BatchNorm2d(12),
            nn.ReLU6(),
            Squeeze(12),
            nn.Conv2d(12, 20, 1),
            nn.Conv2d(20, 20, 5, 2, 2, groups=20),
            nn.PReLU(20),
            nn.AvgPool2d(2),
        )


class UNet(nn.Module):
    """Strided and transposed convolutions, instance norm, attention between channels, bilinear upsampling."""

    def __init__(self) -> None:
        super().__init__()
        self.first = nn.Conv2d(3, 8, 3, padding=1)
        self.down = nn.Sequential(nn.Conv2d(8, 16, 4, 2, 1), nn.InstanceNorm2d(16, affine=True), nn.GELU())
        self.attention = nn.Conv2d(16, 48, 1)
        self.up = nn.ConvTranspose2d(16, 8, 2, 2)
        self.last = nn.Conv2d(16, 12, 3, padding=1, padding_mode="reflect")

    def forward(self, x):
        high = functional.silu(self.first(x))
        low = self.down(high)
        q, k, v = self.attention(low).flatten(2).chunk(3, 1)
        weights = (functional.normalize(q, dim=-1) @ functional.normalize(k, dim=-1).transpose(1, 2)).softmax(
            -1
        )
        low = low + (weights @ v).reshape(low.shape)
        joined = torch.cat([high, self.up(low)], 1)
        image = functional.pixel_shuffle(self.last(joined), 2)
        smaller = functional.interpolate(image, scale_factor=0.5, mode="bilinear")
        return torch.sigmoid(smaller + x[:, :3])


class Recurrent(nn.Module):
    """A convolutional GRU cell, and a GRU and an LSTM over the rows."""

    def __init__(self) -> None:
        super().__init__()
        self.gates = nn.Conv2d(3 + 4, 8, 3, padding=1)
        self.candidate = nn.Conv2d(3 + 4, 4, 3, padding=1)
        self.rows = nn.GRU(8, 6, batch_first=True)
        self.columns = nn.LSTM(6, 5, batch_first=True, bidirectional=True)

    def forward(self, x, h):
        update, reset = torch.sigmoid(self.gates(torch.cat([x, h], 1))).chunk(2, 1)
        h = update * h + (1 - update) * torch.tanh(self.candidate(torch.cat([x, reset * h], 1)))
        rows, _ = self.rows(h.mean(1))
        return h, self.columns(rows)[0]


class ViT(nn.Module):
    """Patches, learnt positions, attention by `scaled_dot_product_attention`, layer norm, MLP."""

    def __init__(self) -> None:
        super().__init__()
        self.patches = nn.Conv2d(3, 16, 4, 4)
        self.token = nn.Parameter(torch.randn(1, 1, 16))
        self.positions = nn.Parameter(0.1 * torch.randn(1, 17, 16))
        self.norms = nn.ModuleList(nn.LayerNorm(16) for _ in range(3))
        self.qkv, self.out = nn.Linear(16, 48), nn.Linear(16, 16)
        self.mlp = nn.Sequential(nn.Linear(16, 32), nn.GELU(approximate="tanh"), nn.Linear(32, 16))

    def forward(self, x):
        tokens = self.patches(x).flatten(2).transpose(1, 2)
        tokens = torch.cat([self.token, tokens], 1) + self.positions
        q, k, v = self.qkv(self.norms[0](tokens)).view(1, 17, 3, 4, 4).permute(2, 0, 3, 1, 4)
        mixed = functional.scaled_dot_product_attention(q, k, v)
        tokens = tokens + self.out(mixed.transpose(1, 2).reshape(1, 17, 16))
        tokens = tokens + self.mlp(self.norms[1](tokens))
        return self.norms[2](tokens)[:, 0]


#: Name → (network, shapes of its inputs).
NETWORKS = {
    "resnet": (ResNet, [(1, 3, 32, 32)]),
    "mobilenet": (MobileNet, [(1, 3, 32, 32)]),
    "unet": (UNet, [(1, 3, 16, 24)]),
    "recurrent": (Recurrent, [(1, 3, 6, 8), (1, 4, 6, 8)]),
    "vit": (ViT, [(1, 3, 16, 16)]),
}


def build(name: str) -> tuple[nn.Module, list[torch.Tensor]]:
    """The network with random weights and statistics, and inputs for it."""
    torch.manual_seed(7)
    network, shapes = NETWORKS[name]
    module = network().eval()
    for layer in module.modules():
        if isinstance(layer, nn.BatchNorm2d):
            layer.running_mean.normal_()
            layer.running_var.uniform_(0.5, 2)
    return module, [torch.randn(shape) for shape in shapes]
