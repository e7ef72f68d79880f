"""What may grow: one file each. `measure(ground)` returns Markdown."""

from measures import day, rules, sessions, streams, tokens

MEASURES = {"rules": rules, "tokens": tokens, "sessions": sessions, "streams": streams, "day": day}
