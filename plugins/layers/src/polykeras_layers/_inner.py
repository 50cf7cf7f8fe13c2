"""A layer that holds other layers: its weights, losses and updates are theirs."""

from polykeras.engine.base_layer import Layer
from polykeras.utils.generic_utils import object_list_uid


class HoldsLayers(Layer):
    """Base of recurrent layers, which hold a cell, and of wrappers.

    Subclasses define `_inner_layers()`. Where `call` passes other tensors to an inner layer than it got itself, it says
    so with `_note_inner_inputs`; losses and updates of that call are then found by the outer inputs.
    """

    def __init__(self, **kwargs):
        self._input_map = {}
        super().__init__(**kwargs)

    def _inner_layers(self):
        raise NotImplementedError(f"{type(self).__name__} defines no `_inner_layers`.")

    @property
    def trainable_weights(self):
        """The inner layers' trainable weights after the layer's own; none while `trainable` is False."""
        if not self.trainable:
            return []
        return [*super().trainable_weights, *(w for layer in self._inner_layers() for w in layer.trainable_weights)]

    @property
    def non_trainable_weights(self):
        """The other weights; while `trainable` is False, all of them."""
        inner = self._inner_layers()
        if self.trainable:
            held = [weight for layer in inner for weight in layer.non_trainable_weights]
        else:
            held = [weight for layer in inner for weight in layer.weights]
        return [*super().non_trainable_weights, *held]

    @property
    def losses(self):
        """All losses, the layer's and those of the layers in it."""
        return [*super().losses, *(loss for layer in self._inner_layers() for loss in layer.losses)]

    @property
    def updates(self):
        """All updates, the layer's and those of the layers in it."""
        return [*super().updates, *(update for layer in self._inner_layers() for update in layer.updates)]

    def get_losses_for(self, inputs=None):
        """The losses that belong to `inputs`, or with None those that belong to no inputs."""
        inner = [loss for layer in self._inner_layers() for loss in layer.get_losses_for(self._inside(layer, inputs))]
        return [*super().get_losses_for(inputs), *inner]

    def get_updates_for(self, inputs=None):
        """The updates that belong to `inputs`, or with None those that belong to no inputs."""
        inner = [term for layer in self._inner_layers() for term in layer.get_updates_for(self._inside(layer, inputs))]
        return [*super().get_updates_for(inputs), *inner]

    def _note_inner_inputs(self, inputs, layer, inner_inputs):
        """Note that a call on `inputs` calls `layer` on `inner_inputs`."""
        self._input_map[object_list_uid(inputs), layer.name] = inner_inputs

    def _inside(self, layer, inputs):
        """What the inner layer was called on when this one was called on `inputs`."""
        return None if inputs is None else self._input_map.get((object_list_uid(inputs), layer.name), inputs)
