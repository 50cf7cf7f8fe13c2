"""The convolutional network of Keras's MNIST example."""

from benchmarks.workloads.workload import Conv, Dense, Dropout, Flatten, MaxPool, Workload

__all__ = ["CNN"]

CNN = Workload(
    "cnn",
    (28, 28, 1),
    (
        Conv(32, 3),
        Conv(64, 3),
        MaxPool(2),
        Dropout(0.25),
        Flatten(),
        Dense(128, "relu"),
        Dropout(0.5),
        Dense(10, "softmax"),
    ),
    batch=128,
)
