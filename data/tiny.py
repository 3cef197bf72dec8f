"""The architecture of `tiny`, the network that comes along with the course."""

from torch import Tensor, nn

WIDTHS = (16, 40, 80, 160)
FEATURES = WIDTHS[-1]


class Residual(nn.Module):
    """Two 3 x 3 convolutions round which the input also passes straight on."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.first = nn.Conv2d(width, width, 3, padding=1, bias=False)
        self.first_norm = nn.BatchNorm2d(width)
        self.second = nn.Conv2d(width, width, 3, padding=1, bias=False)
        self.second_norm = nn.BatchNorm2d(width)
        self.activation = nn.SiLU()

    def forward(self, maps: Tensor) -> Tensor:
        change = self.activation(self.first_norm(self.first(maps)))
        return self.activation(maps + self.second_norm(self.second(change)))


def halving(inward: int, outward: int, kernel: int = 3) -> nn.Sequential:
    """A convolution that halves height and width, its normalisation and its activation."""
    return nn.Sequential(
        nn.Conv2d(inward, outward, kernel, stride=2, padding=kernel // 2, bias=False),
        nn.BatchNorm2d(outward),
        # SiLU rather than ReLU: its gradient is nowhere cut off, and ideal images come out smoother.
        nn.SiLU(),
    )


def tiny_layers() -> nn.Sequential:
    """Normalised images `(N, 3, H, W)`, `H, W >= 32`, to features `(N, 160)`."""
    first, second, third, fourth = WIDTHS
    return nn.Sequential(
        halving(3, first, 5),
        halving(first, second),
        Residual(second),
        halving(second, third),
        Residual(third),
        halving(third, fourth),
        nn.AdaptiveAvgPool2d(1),
        nn.Flatten(),
    )
