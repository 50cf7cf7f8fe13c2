"""Dense networks: one where the overhead of a step is all there is, one where products take the time."""

from benchmarks.workloads.workload import Dense, Dropout, Workload

__all__ = ["MLP", "TINY"]

TINY = Workload("tiny", (16,), (Dense(32, "relu"), Dense(10, "softmax")), batch=32)

MLP = Workload(
    "mlp",
    (784,),
    (Dense(512, "relu"), Dropout(0.2), Dense(512, "relu"), Dropout(0.2), Dense(10, "softmax")),
    batch=128,
)
