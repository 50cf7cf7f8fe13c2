"""Convolutional networks: Keras's MNIST example, VGG16 and ResNet-50."""

from benchmarks.workloads.layers import Activation, Add, BatchNorm, Conv, Dense, Dropout, Flatten, GlobalPool, MaxPool
from benchmarks.workloads.workload import Network

__all__ = ["RESNET50", "cnn", "resnet", "vgg16"]

RESNET50 = (3, 4, 6, 3)  # blocks of each stage


def cnn() -> Network:
    network = Network((28, 28, 1))
    network.add(Conv(32, 3, activation="relu"))
    network.add(Conv(64, 3, activation="relu"))
    network.add(MaxPool(2))
    network.add(Dropout(0.25))
    network.add(Flatten())
    network.add(Dense(128, "relu"))
    network.add(Dropout(0.5))
    network.add(Dense(10, "softmax"))
    return network


def vgg16() -> Network:
    """Simonyan and Zisserman, 2015, configuration D"""
    network = Network((224, 224, 3))
    for filters, count in ((64, 2), (128, 2), (256, 3), (512, 3), (512, 3)):
        for _ in range(count):
            network.add(Conv(filters, 3, padding=1, activation="relu"))
        network.add(MaxPool(2))
    network.add(Flatten())
    network.add(Dense(4096, "relu"))
    network.add(Dense(4096, "relu"))
    network.add(Dense(1000, "softmax"))
    return network


def resnet(blocks: tuple[int, ...] = RESNET50, size: int = 224) -> Network:
    """He et al., 2016; strides in the first 1×1 convolution of a stage, as in Keras's applications"""
    network = Network((size, size, 3))

    def normalized(filters: int, kernel: int, x: int, stride: int = 1, relu: bool = True) -> int:
        network.add(Conv(filters, kernel, stride, kernel // 2), x)
        out = network.add(BatchNorm())
        return network.add(Activation("relu")) if relu else out

    x = normalized(64, 7, 0, stride=2)
    x = network.add(MaxPool(3, 2, 1))
    for stage, count in enumerate(blocks):
        filters = 64 * 2**stage
        for block in range(count):
            stride = 2 if stage and not block else 1
            shortcut = x if block else normalized(4 * filters, 1, x, stride, relu=False)
            y = normalized(filters, 1, x, stride)
            y = normalized(filters, 3, y)
            y = normalized(4 * filters, 1, y, relu=False)
            network.add(Add(), y, shortcut)
            x = network.add(Activation("relu"))
    network.add(GlobalPool())
    network.add(Dense(1000, "softmax"))
    return network
