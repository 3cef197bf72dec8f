import os

import torch
import torch.nn.functional as F
import wandb
from torch.utils.tensorboard import SummaryWriter
from torchsummary import summary

try:
    from rich import print
except ImportError:
    pass

os.environ["WANDB_MODE"] = "disabled"
wandb.init(project="attacks", config={"epsilon": 8 / 255})
writer = SummaryWriter("runs/attack")


def fgsm(model, images, labels, epsilon):
    x = images.detach().clone().requires_grad_(True)
    gradient = torch.autograd.grad(F.cross_entropy(model(x), labels), x)[0]
    print("largest slope", gradient.abs().max().item())
    return torch.clamp(images + epsilon * torch.sign(gradient), 0, 1).detach()


def project(images, originals, epsilon):
    return torch.max(torch.min(images, originals + epsilon), originals - epsilon).clamp(0, 1).detach()


def perturbation_norms(images, originals):
    change = (images - originals).flatten(1)
    return torch.linalg.vector_norm(change, float("inf"), dim=1), torch.linalg.vector_norm(change, dim=1)


def log_step(step, loss):
    wandb.log({"loss": loss}, step=step)
    writer.add_scalar("loss", loss, step)


def describe(model):
    summary(model, (3, 64, 64))


writer.close()
wandb.finish()
