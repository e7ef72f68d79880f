"""What is measured: one file each, with a `name`, the peers to which it `applies`, and `measure(peer, ground, seconds)`, which returns
what was found."""

from measurements import calls, cold_tokens, first_event, flood, paced, start, streams

# The last leaves a process behind that has seen much; the first starts a new one.
MEASUREMENTS = (start, *map(calls.Calls, calls.CONNECTIONS), first_event, flood, paced, cold_tokens, streams)
