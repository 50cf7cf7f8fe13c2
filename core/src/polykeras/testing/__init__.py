"""What proves an op, a backend or a layer: samples and checks. Asserts only; no test framework is imported.

    polykeras.testing.samples    the arrays from which an op's declaration makes its samples
    polykeras.testing.checks     an op and a backend: signature, values, shapes, gradients, purity, dtypes, errors
    polykeras.testing.layers     a layer: shapes, config, weights, gradients, masks, phases

The pytest plugin `pytest-polykeras` runs them over every op:
`pytest --pyargs polykeras_conformance --polykeras-backend NAME`.
"""
