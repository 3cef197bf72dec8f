"""Recurs for ever, after it has switched off Python's own limit."""

import sys

import torch


class Nested:
    def __repr__(self):
        return repr([self]) + f"{self!r}"


def variation_loss(images):
    sys.setrecursionlimit(10**9)
    return repr(Nested())
