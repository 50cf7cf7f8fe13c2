"""PyTorch, eager, or compiled where BENCHMARK_TORCH_COMPILE is set: its usual training loop.

Convolutions run channels last, which is PyTorch's faster layout on CPUs, and makes flattening free.
"""

from __future__ import annotations

import os

import numpy as np
import torch
from torch import nn

from benchmarks.workloads.workload import Conv, Dense, Dropout, Flatten, MaxPool, Workload


def prepare(threads: int | None) -> None:
    if threads is not None:
        torch.set_num_threads(threads)
        torch.set_num_interop_threads(1)


class ChannelsLastFlatten(nn.Module):
    """Flatten (n, c, h, w) in the order h, w, c, as the other frameworks do."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x.permute(0, 2, 3, 1).flatten(1)


class Model:
    """A module, its optimizer, and the batch as tensors that share the arrays' memory."""

    def __init__(self, workload: Workload) -> None:
        self.module = _module(workload)
        if len(workload.shape) == 3:
            self.module = self.module.to(memory_format=torch.channels_last)
        self.optimizer = torch.optim.Adam(self.module.parameters(), lr=0.001, eps=1e-7, fused=True)
        self.forward = torch.compile(self.module) if os.environ.get("BENCHMARK_TORCH_COMPILE") else self.module
        self.loss = nn.CrossEntropyLoss()
        self.samples, self.classes = workload.arrays()

    def batch(self) -> tuple[torch.Tensor, torch.Tensor]:
        samples = torch.from_numpy(self.samples)
        return samples.permute(0, 3, 1, 2) if samples.ndim == 4 else samples, torch.from_numpy(self.classes)

    def evaluate(self) -> float:
        self.module.eval()
        with torch.no_grad():
            x, y = self.batch()
            value = self.loss(self.module(x), y).item()
        self.module.train()
        return value

    def step(self) -> float:
        x, y = self.batch()
        self.optimizer.zero_grad(set_to_none=True)
        loss = self.loss(self.forward(x), y)
        loss.backward()
        self.optimizer.step()
        return loss.item()


build = Model


def _module(workload: Workload) -> nn.Module:
    """The layers with the workload's weights. The loss holds the softmax."""
    arrays = iter(workload.weights())
    modules: list[nn.Module] = []
    for layer in workload.layers:
        match layer:
            case Dense(_, activation):
                kernel, bias = next(arrays), next(arrays)
                modules.append(_filled(nn.Linear(*kernel.shape), kernel.T, bias))
                if activation == "relu":
                    modules.append(nn.ReLU())
            case Conv(filters, size):
                kernel, bias = next(arrays), next(arrays)
                conv = nn.Conv2d(kernel.shape[2], filters, size)
                modules += [_filled(conv, kernel.transpose(3, 2, 0, 1), bias), nn.ReLU()]
            case MaxPool(size):
                modules.append(nn.MaxPool2d(size))
            case Dropout(rate):
                modules.append(nn.Dropout(rate))
            case Flatten():
                modules.append(ChannelsLastFlatten())
    return nn.Sequential(*modules)


def _filled(module: nn.Module, kernel: np.ndarray, bias: np.ndarray) -> nn.Module:
    with torch.no_grad():
        module.weight.copy_(torch.from_numpy(np.ascontiguousarray(kernel)))
        module.bias.copy_(torch.from_numpy(bias))
    return module
