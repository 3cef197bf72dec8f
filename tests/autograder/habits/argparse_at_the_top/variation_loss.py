import argparse
import os
import random
import warnings

import numpy as np
import torch
from torchvision import transforms as T

warnings.filterwarnings("ignore")
os.environ["CUBLAS_WORKSPACE_CONFIG"] = ":4096:8"
random.seed(0)
np.random.seed(0)
torch.manual_seed(0)
torch.use_deterministic_algorithms(True)

parser = argparse.ArgumentParser()
parser.add_argument("--weight", type=float, default=0.1)
parser.add_argument("--out", default="results")
args, _ = parser.parse_known_args()
os.makedirs(args.out, exist_ok=True)


def check_is_batch(images):
    assert isinstance(images, torch.Tensor)
    if images.ndim != 4:
        raise ValueError(f"images: expected 4 dimensions, got {images.ndim}")


def total_variation(images):
    check_is_batch(images)
    return images.diff(dim=2).abs().flatten(1).sum(1) + images.diff(dim=3).abs().flatten(1).sum(1)


def variation_loss(images):
    check_is_batch(images)
    return total_variation(images).div(images[0].numel()).mean()


to_picture = T.Compose([T.ToPILImage(), T.Resize(64)])
