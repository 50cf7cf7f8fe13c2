"""Without one of the distributions the rest works; what it would bring is an error that names it and how to get it.

Each case is a new process in which the distribution is hidden: from `importlib.metadata`, so that no entry point of it
is seen, and from `import`. (tests/imports does the same with wheels in fresh environments.)
"""

import os
import subprocess
import sys

import pytest

HIDE = """
import importlib.metadata as metadata, sys
discover = metadata.Distribution.discover

def discover_others(**context):
    return (found for found in discover(**context) if found.metadata["Name"] != {distribution!r})

metadata.Distribution.discover = discover_others

class Hidden:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] == {package!r}:
            raise ModuleNotFoundError(f"No module named {{name!r}}", name=name)

sys.meta_path.insert(0, Hidden())
"""

START = """
import numpy as np
import polykeras
from polykeras import backend as K

x = np.random.RandomState(0).normal(size=(32, 3)).astype("float32")
y = x.sum(axis=1, keepdims=True)

def learns(model, epochs=20):
    losses = model.fit(x, y, epochs=epochs, verbose=0).history["loss"]
    assert losses[-1] < losses[0], losses
"""

# what must work without the distribution
REST = {
    "polykeras-layers": """
from polykeras.engine.topology import Layer
from polykeras.models import Sequential

class Linear(Layer):
    def build(self, input_shape):
        self.kernel = self.add_weight(name="kernel", shape=(input_shape[-1], 1), initializer="zeros")
        super().build(input_shape)
    def call(self, inputs):
        return K.dot(inputs, self.kernel)
    def compute_output_shape(self, input_shape):
        return input_shape[0], 1

model = Sequential([Linear(input_shape=(3,))])
model.compile("adam", "mse", metrics=["mae"])
learns(model)
""",
    "polykeras-optimizers": """
from polykeras.layers import Dense
from polykeras.models import Sequential
from polykeras.optimizers import Optimizer

class Descent(Optimizer):
    def get_updates(self, loss, params):
        grads = self.get_gradients(loss, params)
        self.updates = [K.update_sub(p, 0.01 * g) for p, g in zip(params, grads)]
        return self.updates

model = Sequential([Dense(1, input_shape=(3,))])
assert model.predict(x).shape == (32, 1)
model.compile(Descent(), "mse", metrics=["mae"])
learns(model)
""",
    "polykeras-metrics": """
from polykeras.layers import Dense
from polykeras.models import Sequential

def half(y_true, y_pred):
    return K.mean(K.cast(K.abs(y_true - y_pred) < 0.5, "float32"))

model = Sequential([Dense(1, input_shape=(3,))])
model.compile("adam", "mse", metrics=[half])
learns(model)
""",
    "polykeras-numpy": """
from polykeras.extend import XpBackend
from polykeras.layers import Dense
from polykeras.models import Sequential

class Other(XpBackend):
    name, xp = "other", np

sys.modules["other_backend"] = type(sys)("other_backend")
sys.modules["other_backend"].Other = Other
with polykeras.backend_scope("other_backend:Other"):
    model = Sequential([Dense(1, input_shape=(3,))])
    model.compile("adam", "mse", metrics=["mae"])
    learns(model)
""",
    "polykeras-numba": """
from polykeras.layers import Dense
from polykeras.models import Sequential

model = Sequential([Dense(1, input_shape=(3,))])
model.compile("adam", "mse", metrics=["mae"])
learns(model)
""",
}
REST["polykeras-cupy"] = REST["polykeras-applications"] = REST["polykeras-numba"]

# ways to ask for what it would bring
ASKED = {
    "polykeras-layers": [
        "from polykeras.layers import Dense",
        "from polykeras import layers; layers.LSTM",
        "from polykeras.layers import deserialize; deserialize({'class_name': 'Dense', 'config': {'units': 1}})",
        "from polykeras.models import Sequential\n"
        "Sequential.from_config([{'class_name': 'Dense', 'config': {'units': 1}}])",
    ],
    "polykeras-optimizers": [
        "from polykeras.optimizers import Adam",
        "from polykeras import optimizers; optimizers.get('sgd')",
        "model.compile('adam', 'mse')",
    ],
    "polykeras-metrics": [
        "from polykeras.metrics import top_k_categorical_accuracy",
        "from polykeras import metrics; metrics.get('binary_accuracy')",
        "model.compile('adam', 'mse', metrics=['accuracy'])",
        "model.compile('adam', 'mse', metrics=['top_k_categorical_accuracy'])",
    ],
    "polykeras-numpy": ["K.eval(K.constant(1.0))", "polykeras.set_backend('numpy')", "model.predict(x)"],
    "polykeras-numba": ["polykeras.set_backend('numba')", "K.function([], [K.constant(1.0)], backend='numba')([])"],
    "polykeras-cupy": ["polykeras.set_backend('cupy')"],
    "polykeras-applications": [
        "from polykeras.applications import VGG16",
        "from polykeras import applications; applications.ResNet50",
        "import polykeras.applications.vgg16",
        "from polykeras.applications.vgg16 import VGG16",
    ],
}

ASK = """
for asked in {asked!r}:
    try:
        exec(asked)
    except Exception as error:
        text = str(error)
    else:
        text = "no error"
    assert {line!r} in text, f"{{asked}}: {{text}}"
"""


@pytest.mark.parametrize("distribution", REST)
def test_without_it_the_rest_works_and_its_names_say_how_to_get_it(distribution):
    package = distribution.replace("-", "_")
    extra = "[cuda13]" if distribution == "polykeras-cupy" else ""
    line = f'pip install "{distribution}{extra}"' if extra else f"pip install {distribution}"
    parts = [HIDE.format(distribution=distribution, package=package), START, REST[distribution]]
    code = "\n".join([*parts, ASK.format(asked=ASKED[distribution], line=line)])
    environment = {key: value for key, value in os.environ.items() if key not in ("POLYKERAS_BACKEND", "KERAS_BACKEND")}
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
