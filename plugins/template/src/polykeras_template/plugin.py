"""The hooks: what this plugin adds where many plugins may add. `polykeras plugins --hooks` lists all of them."""


def polykeras_ops(register):
    """Tell polykeras of the op, so that the test kits find it."""
    from polykeras_template.ops import soft_cap

    register(soft_cap)


def polykeras_kernels(backend_name, register):
    """A kernel for NumPy. soft_cap has no lowering, so other backends run this one, on the host if they must."""
    if backend_name == "numpy":
        from polykeras_template.kernels import soft_cap

        register("soft_cap", soft_cap)
