"""What is measured: networks as plain data, so that each framework builds its own."""

from benchmarks.workloads.convolutional import cnn, resnet, vgg16
from benchmarks.workloads.dense import mlp, tiny
from benchmarks.workloads.sequences import lstm, transformer
from benchmarks.workloads.workload import Network, Node, Workload

__all__ = ["WORKLOADS", "Network", "Node", "Workload"]

_ALL = (
    Workload("tiny", tiny, 32),
    Workload("mlp", mlp, 128),
    Workload("cnn", cnn, 128),
    Workload("lstm", lstm, 32),
    Workload("transformer", transformer, 16),
    Workload("vgg", vgg16, 1, trains=False),
    Workload("resnet", resnet, 1, trains=False),
    Workload("resnet_8", resnet, 8, trains=False),
    Workload("resnet_train", resnet, 8),
)
WORKLOADS: dict[str, Workload] = {workload.name: workload for workload in _ALL}
