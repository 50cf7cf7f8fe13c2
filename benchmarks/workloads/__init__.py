"""What is trained: networks as plain data, so that each framework builds its own."""

from benchmarks.workloads.conv import CNN
from benchmarks.workloads.dense import MLP, TINY
from benchmarks.workloads.workload import Workload

__all__ = ["WORKLOADS", "Workload"]

WORKLOADS: dict[str, Workload] = {workload.name: workload for workload in (TINY, MLP, CNN)}
