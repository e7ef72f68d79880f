"""A peer that works under one of Valgrind's tools."""

from contextlib import contextmanager


@contextmanager
def running(peer, options):
    """Started with these options, and stopped at the end."""
    plain = peer.command
    peer.patience = 600  # everything takes fifty times as long
    peer.command = lambda: ["valgrind", *options, *plain()]
    try:
        peer.start()
        yield
    finally:
        peer.stop()
        peer.command = plain


def check(peer, found, calls):
    """All calls were answered."""
    if found["errors"] or found["requests"] != calls:
        raise RuntimeError(f"{peer.key}: {found}")
