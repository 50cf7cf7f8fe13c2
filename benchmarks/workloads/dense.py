"""Dense networks: one where the overhead of a step is all there is, one where products take the time."""

from benchmarks.workloads.layers import Dense, Dropout
from benchmarks.workloads.workload import Network

__all__ = ["mlp", "tiny"]


def tiny() -> Network:
    network = Network((16,))
    network.add(Dense(32, "relu"))
    network.add(Dense(10, "softmax"))
    return network


def mlp() -> Network:
    network = Network((784,))
    for _ in range(2):
        network.add(Dense(512, "relu"))
        network.add(Dropout(0.2))
    network.add(Dense(10, "softmax"))
    return network
