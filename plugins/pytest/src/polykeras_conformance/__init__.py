"""The conformance tests of polykeras: every op, on any backend.

    pytest --pyargs polykeras_conformance --polykeras-backend NAME

The tests are made from the declarations: an op that is added brings its own. What a backend lists in `limits` is
expected to fail, and it is an error if it does not.
"""
