"""PyTorch, eager, or compiled where BENCHMARK_TORCH_COMPILE is set: its usual training loop, and prediction.

Convolutions run channels last, which is PyTorch's faster layout on CPUs, and makes flattening free. Predictions are
compiled with frozen weights, which is its fastest form.
"""

from __future__ import annotations

import os
from typing import Any

import numpy as np
import torch
from torch import nn

from benchmarks.workloads import Network, Workload
from benchmarks.workloads import layers as described


def prepare(threads: int | None) -> None:
    if threads is not None:
        torch.set_num_threads(threads)
        torch.set_num_interop_threads(1)


class Model:
    """A module, its optimizer, and the batch as tensors that share the arrays' memory."""

    def __init__(self, workload: Workload) -> None:
        network = workload.build()
        self.module = _Graph(network)
        if len(network.shapes[0]) == 3:
            self.module = self.module.to(memory_format=torch.channels_last)
        self.trains = workload.trains
        self.optimizer = torch.optim.Adam(self.module.parameters(), lr=0.001, eps=1e-7, fused=True)
        self.forward: Any = self.module
        if os.environ.get("BENCHMARK_TORCH_COMPILE"):
            if not self.trains:
                from torch._inductor import config

                config.freezing = True
            self.forward = torch.compile(self.module)
        if not self.trains:
            self.module.eval()
        self.loss = nn.CrossEntropyLoss()
        self.samples, self.classes = workload.arrays(network)

    def batch(self) -> torch.Tensor:
        samples = torch.from_numpy(self.samples)
        return samples.permute(0, 3, 1, 2) if samples.ndim == 4 else samples

    def evaluate(self) -> float:
        self.module.eval()
        with torch.no_grad():
            value = self.loss(self.module(self.batch()), torch.from_numpy(self.classes)).item()
        self.module.train(self.trains)
        return value

    def step(self) -> float:
        if not self.trains:
            with torch.no_grad():
                return float(torch.softmax(self.forward(self.batch()), -1).numpy()[0, 0])
        x, y = self.batch(), torch.from_numpy(self.classes)
        self.optimizer.zero_grad(set_to_none=True)
        loss = self.loss(self.forward(x), y)
        loss.backward()
        self.optimizer.step()
        return loss.item()


build = Model


class _Graph(nn.Module):
    """The network with the workload's weights. What nothing reads any more is let go. The loss holds the softmax."""

    def __init__(self, network: Network) -> None:
        super().__init__()
        self.parts = nn.ModuleList(
            _module(node.layer, weights, network.shapes[node.inputs[0]])
            for node, weights in zip(network.nodes, network.weights(), strict=True)
        )
        self.inputs = [node.inputs for node in network.nodes]
        self.last_uses = network.last_uses()

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        values: list[Any] = [x]
        for part, inputs, done in zip(self.parts, self.inputs, self.last_uses, strict=True):
            values.append(part(*[values[i] for i in inputs]))
            for i in done:
                values[i] = None
        return values[-1]


def _module(layer: Any, weights: list[np.ndarray], shape: tuple[int, ...]) -> nn.Module:
    match layer:
        case described.Dense(units, activation):
            made = _filled(nn.Linear(shape[-1], units), weight=weights[0].T, bias=weights[1])
            return nn.Sequential(made, nn.ReLU()) if activation == "relu" else made
        case described.Conv(filters, kernel, stride, padding, activation):
            made = nn.Conv2d(shape[-1], filters, kernel, stride, padding)
            _filled(made, weight=weights[0].transpose(3, 2, 0, 1), bias=weights[1])
            return nn.Sequential(made, nn.ReLU()) if activation == "relu" else made
        case described.MaxPool(size, stride, padding):
            return nn.MaxPool2d(size, stride or size, padding)
        case described.GlobalPool():
            return _GlobalPool()
        case described.Dropout(rate):
            return nn.Dropout(rate)
        case described.Activation("relu"):
            return nn.ReLU()
        case described.Add():
            return _Add()
        case described.Flatten():
            return _Flatten()
        case described.BatchNorm():
            gamma, beta, mean, variance = weights
            made = nn.BatchNorm2d(shape[-1], eps=1e-3, momentum=0.01)
            return _filled(made, weight=gamma, bias=beta, running_mean=mean, running_var=variance)
        case described.LayerNorm():
            return _filled(nn.LayerNorm(shape[-1], eps=1e-3), weight=weights[0], bias=weights[1])
        case described.Embedding(tokens, width):
            return _filled(nn.Embedding(tokens, width), weight=weights[0])
        case described.LSTM(units):
            return _LastOutput(shape[-1], units, weights)
        case described.Attention(heads):
            return _SelfAttention(shape[-1], heads, weights)
    raise TypeError(f"no module for {layer}")


def _filled(module: nn.Module, **arrays: np.ndarray) -> nn.Module:
    with torch.no_grad():
        for name, array in arrays.items():
            getattr(module, name).copy_(torch.from_numpy(np.ascontiguousarray(array)))
    return module


class _Flatten(nn.Module):
    """(n, c, h, w) in the order h, w, c, as the other frameworks do."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x.permute(0, 2, 3, 1).flatten(1)


class _GlobalPool(nn.Module):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x.mean((2, 3)) if x.ndim == 4 else x.mean(1)


class _Add(nn.Module):
    def forward(self, x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
        return x + y


class _LastOutput(nn.Module):
    def __init__(self, features: int, units: int, weights: list[np.ndarray]) -> None:
        super().__init__()
        kernel, recurrent, bias = weights
        self.lstm = nn.LSTM(features, units, batch_first=True)
        _filled(
            self.lstm, weight_ih_l0=kernel.T, weight_hh_l0=recurrent.T, bias_ih_l0=bias, bias_hh_l0=np.zeros_like(bias)
        )
        self.lstm.bias_hh_l0.requires_grad_(False)  # the others have one bias

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.lstm(x)[0][:, -1]


class _SelfAttention(nn.Module):
    def __init__(self, width: int, heads: int, weights: list[np.ndarray]) -> None:
        super().__init__()
        self.attention = nn.MultiheadAttention(width, heads, batch_first=True)
        kernels = [w.reshape(width, width).T for w in weights[0:6:2]]
        biases = [b.reshape(width) for b in weights[1:6:2]]
        _filled(self.attention, in_proj_weight=np.concatenate(kernels), in_proj_bias=np.concatenate(biases))
        _filled(self.attention.out_proj, weight=weights[6].reshape(width, width).T, bias=weights[7])

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.attention(x, x, x, need_weights=False)[0]
