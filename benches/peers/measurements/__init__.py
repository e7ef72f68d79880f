"""What is measured: one file each. `measure(peer, ground, seconds)` yields results, each a dictionary with its `name`."""
