"""Prints its model in a loop and a progress bar for each step."""

import sys

import torch


def variation_loss(images):
    model = torch.nn.Sequential(*(torch.nn.Linear(3, 3) for _ in range(20)))
    for step in range(200):
        print(model)
        for percent in range(101):
            sys.stderr.write(f"\r{percent:3d}%|{'#' * (percent // 5):20}| {step}/200 [00:0{step % 10}<00:00]")
    sys.stderr.write("\n")
    raise RuntimeError("done")
