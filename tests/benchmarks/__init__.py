"""How fast it is, beside the peers: `python -m tests.benchmarks [NAME...]`."""
