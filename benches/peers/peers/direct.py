"""The upstream without anybody before it: what the others' latency is compared with."""

from peers.peer import Peer


class Direct(Peer):
    key, title = "direct", "direct"
    is_checking = False

    def prepare(self):
        self.port = self.ground.upstream_port

    def start(self):
        return None
