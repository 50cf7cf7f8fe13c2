"""The conformance tests of polykeras: every op, on any backend."""
