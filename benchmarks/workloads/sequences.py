"""Networks on sequences: an LSTM over word vectors, and a transformer's encoder."""

from benchmarks.workloads.layers import LSTM, Add, Attention, Dense, Embedding, GlobalPool, LayerNorm
from benchmarks.workloads.workload import Network

__all__ = ["lstm", "transformer"]


def lstm() -> Network:
    network = Network((80,), tokens=20_000)
    network.add(Embedding(20_000, 128))
    network.add(LSTM(128))
    network.add(Dense(2, "softmax"))
    return network


def transformer(blocks: int = 4, width: int = 256, heads: int = 4) -> Network:
    """Normalisation before each part (Xiong et al., 2020); no dropout, so that all frameworks take the same steps"""
    network = Network((128, width))
    x = 0
    for _ in range(blocks):
        network.add(LayerNorm(), x)
        y = network.add(Attention(heads))
        x = network.add(Add(), x, y)
        network.add(LayerNorm())
        network.add(Dense(4 * width, "relu"))
        y = network.add(Dense(width))
        x = network.add(Add(), x, y)
    network.add(LayerNorm())
    network.add(GlobalPool())
    network.add(Dense(10, "softmax"))
    return network
