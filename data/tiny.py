"""The architecture of `tiny`, the network that comes along with the course."""

from torch import Tensor, nn

WIDTHS = (16, 40, 80, 160)
FEATURES = WIDTHS[-1]


class Residual(nn.Module):
    """Two 3 x 3 convolutions round which the input also passes straight on."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.first = conv(width, width, 3)
        self.first_norm = nn.BatchNorm2d(width)
        self.second = conv(width, width, 3)
        self.second_norm = nn.BatchNorm2d(width)
        self.activation = nn.SiLU()

    def forward(self, maps: Tensor) -> Tensor:
        change = self.activation(self.first_norm(self.first(maps)))
        return self.activation(maps + self.second_norm(self.second(change)))


def conv(inward: int, outward: int, kernel: int, stride: int = 1) -> nn.Conv2d:
    """A convolution whose first weights keep the size of a signal on its way.

    As in He et al. 2015, "Delving Deep into Rectifiers". PyTorch's default shrinks it at each layer, and an
    untrained network would be a worse opponent than it need be.
    """
    layer = nn.Conv2d(inward, outward, kernel, stride=stride, padding=kernel // 2, bias=False)
    nn.init.kaiming_normal_(layer.weight, nonlinearity="relu")
    return layer


def halving(inward: int, outward: int, kernel: int = 3) -> nn.Sequential:
    """A convolution that halves height and width, its normalisation and its activation."""
    return nn.Sequential(
        conv(inward, outward, kernel, stride=2),
        nn.BatchNorm2d(outward),
        # SiLU rather than ReLU: its gradient is nowhere cut off, and ideal images come out smoother.
        nn.SiLU(),
    )


def tiny_layers() -> dict[str, nn.Module]:
    """The layers by name: normalised images `(N, 3, H, W)`, `H, W >= 32`, to features `(N, 160)`."""
    first, second, third, fourth = WIDTHS
    return {
        "stem": halving(3, first, 5),
        "down2": halving(first, second),
        "block2": Residual(second),
        "down3": halving(second, third),
        "block3": Residual(third),
        "down4": halving(third, fourth),
        "pool": nn.AdaptiveAvgPool2d(1),
        "flatten": nn.Flatten(),
    }
