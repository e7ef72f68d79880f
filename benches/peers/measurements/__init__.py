"""What is measured: one file each. `measure(peer, ground, seconds)` yields results, each a dictionary with its `name`."""

from measurements import calls, cold_tokens, first_event, flood, paced, start, streams

# The last leaves a process behind that has seen much; the first starts a new one.
MEASUREMENTS = (start, calls, first_event, flood, paced, cold_tokens, streams)
