"""Saved by an editor on Windows: a byte order mark, CRLF, tabs."""
import torch

def total_variation(images):
	if images.dim() != 4:
		raise ValueError("images: vier Dimensionen nötig")
	return (images[:, :, 1:] - images[:, :, :-1]).abs().sum((1, 2, 3)) + \
		(images[..., 1:] - images[..., :-1]).abs().sum((1, 2, 3))

def variation_loss(images):
	return torch.mean(total_variation(images) / images[0].numel())
