"""Known mistakes in attention."""

import math

import torch

from autograder.diagnose import mistake


@mistake("softmax", "Large scores overflow: the largest score must be taken off before the exponential.")
def overflows(scores):
    powers = torch.exp(scores)
    return powers / powers.sum(dim=-1, keepdim=True)


@mistake("softmax", "The shares sum to 1 along the first dimension; it must be the last one.")
def along_the_first(scores):
    return torch.softmax(scores, dim=0)


@mistake("attend", "The scores are not divided by the root of the number of dimensions.")
def does_not_scale(queries, keys, values):
    return torch.softmax(queries @ keys.transpose(-2, -1), dim=-1) @ values


@mistake("attend", "The weights are shares of the queries; each query spreads its weight over the keys.")
def over_the_queries(queries, keys, values):
    scores = queries @ keys.transpose(-2, -1) / math.sqrt(queries.shape[-1])
    return torch.softmax(scores, dim=-2) @ values
