"""Speed and memory of polykeras, beside other frameworks. `python -m benchmarks --help`."""
