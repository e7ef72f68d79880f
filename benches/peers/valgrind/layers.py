"""Where a function or a line of source belongs, in the order in which a call passes."""

import re

LAYERS = [
    ("SHA-256 of the token", r"aws.lc|sha256|digest"),
    ("front door", r"entragate/src/front_door|entragate::front_door"),
    ("Authorization header", r"entragate/src/token/bearer|entragate::token::bearer"),
    ("token lookup", r"entragate/src/token/|entragate::token|quick_cache|entragate::clock"),
    ("message", r"entragate/src/policy/call|entragate::policy::call|serde"),
    ("headers against the message", r"policy/mirror|policy::mirror"),
    ("policy", r"entragate/src/(policy/|principal)|entragate::(policy|principal)"),
    ("untrusted headers", r"entragate/src/headers|entragate::headers"),
    ("session ids", r"entragate/src/session|entragate::session"),
    ("the layer itself", r"entragate/src/|entragate::"),
    ("events (tracing)", r"tracing"),
    ("identity headers", r"upstream/identity|upstream::identity"),
    ("proxy, the rest", r"entragate-cli/src/upstream|entragate_cli::upstream"),
    ("listener", r"entragate-cli/src/serve|entragate_cli::serve"),
    ("router (axum, tower)", r"\baxum|matchit|\btower|sync_wrapper"),
    ("client pool (hyper-util)", r"hyper-util.*/client|hyper_util::client|hyper-rustls|hyper_rustls"),
    ("hyper, client side", r"hyper::client|h1::role::Client|hyper-1[^ ]*/src/client"),
    ("hyper, server side", r"hyper_util::server|hyper-util.*/server|hyper::server|h1::role::Server|hyper-1[^ ]*/src/server|httpdate"),
    ("hyper, both sides", r"\bhyper"),
    ("HTTP/1.1 parser (httparse)", r"httparse"),
    ("header maps, URIs (http)", r"/http-1|\bhttp::"),
    ("tokio", r"\btokio|\bmio\b|/mio-|futures|parking_lot|\bwant"),
    ("buffers (bytes, http-body)", r"\bbytes|http.body"),
]
# Of functions without a line of source: the C library's.
LIBC = [
    ("allocator", r"malloc|calloc|realloc|^c?free|_int_free|unlink_chunk|tcache|arena|__rdl|__rust"),
    ("memory copies and comparisons", r"mem(cpy|move|cmp|set|chr)|strlen|bcmp"),
    ("system calls", r"^_*(send|recv|epoll|write|read|clock_|syscall)|vdso"),
]


def layer(*places):
    """The first layer that the first of the places belongs to, else the next place's."""
    for place in filter(None, places):
        for title, pattern in LIBC + LAYERS:
            if re.search(pattern, place):
                return title
    return None
