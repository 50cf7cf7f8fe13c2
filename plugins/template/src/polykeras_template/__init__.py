"""A stranger's plugin for polykeras: a layer, an optimizer, a metric, an op with a kernel of its own, and a backend."""

polykeras_api = (1, 0)  # the version of the plugin interface that this was made for
