"""nginx, `proxy_pass`: the yardstick, which checks nothing."""

import shutil

from peers.peer import Peer

CONFIGURATION = """
daemon off;
pid {work}/nginx.pid;
error_log stderr warn;
worker_processes 1;
worker_rlimit_nofile 20000;
events {{ worker_connections 16384; }}
http {{
    access_log off;
    client_body_temp_path {work}/temp;
    proxy_temp_path {work}/temp;
    fastcgi_temp_path {work}/temp;
    scgi_temp_path {work}/temp;
    uwsgi_temp_path {work}/temp;
    keepalive_requests 1000000000;
    upstream mcp {{
        server 127.0.0.1:{upstream};
        keepalive 512;
        keepalive_requests 1000000000;
    }}
    server {{
        listen 127.0.0.1:{port} backlog=4096;
        location = /mcp {{
            proxy_pass http://mcp;
            proxy_http_version 1.1;
            proxy_set_header Connection "";
            # Without this, events wait until a buffer is full.
            proxy_buffering off;
        }}
    }}
}}
"""


class Nginx(Peer):
    key, title = "nginx", "nginx `proxy_pass`, no sign-in"
    is_checking = False

    def prepare(self):
        ground = self.ground
        (ground.work / "temp").mkdir()
        text = CONFIGURATION.format(work=ground.work, upstream=ground.upstream_port, port=self.port)
        self.configuration = self.write("nginx.conf", text)

    def command(self):
        return [shutil.which("nginx"), "-e", "stderr", "-p", f"{self.ground.work}/", "-c", self.configuration]

    def binary(self):
        return shutil.which("nginx")
