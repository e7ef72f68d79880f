"""Who is measured: one file each, with its configuration. The order is that of the tables."""

from peers.direct import Direct
from peers.entragate import Broker, Relay
from peers.envoy import CachingEnvoy, Envoy
from peers.fastmcp import FastMcp
from peers.haproxy import Haproxy
from peers.nginx import Nginx

PEERS = (Direct, Nginx, Haproxy, Envoy, CachingEnvoy, FastMcp, Relay, Broker)
