"""What every peer stands on: cores, the upstream, the emulated Entra ID, the tokens."""

import json
import os
import resource
import shutil
import subprocess
import tempfile
import urllib.request
from pathlib import Path

import public_key
import tokens
from process import DESCRIPTORS, Process, free_ports, until

TENANT = "11111111-1111-1111-1111-111111111111"
TOKENS = 64


def get(url):
    with urllib.request.urlopen(url, timeout=10) as answer:
        return json.load(answer)


class Ground:
    """The load and everything it needs on one core, what is measured on the other."""

    def __init__(self, binaries, cold_tokens):
        """`binaries`: entragate, load, upstream, and python and envoy of the virtual environment."""
        cores = sorted(os.sched_getaffinity(0))
        if len(cores) < 2:
            raise RuntimeError("needs two cores")
        self.load_cpu, self.proxy_cpu = cores[:2]
        os.sched_setaffinity(0, {self.load_cpu})
        hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
        if hard < DESCRIPTORS:
            raise RuntimeError(f"needs {DESCRIPTORS} file descriptors, may have {hard}: ulimit -Hn")
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
        self.work = Path(tempfile.mkdtemp(prefix="bench-"))
        self.work.chmod(0o755)
        self.binaries = binaries
        # A build in the meantime must not change what is measured.
        self.binaries["entragate"] = shutil.copy(binaries["entragate"], self.work / "entragate")
        self.processes = []
        self.upstream_port, self.emulator_port = free_ports(2)
        self.upstream = self.start("upstream", [binaries["upstream"], self.upstream_port])
        self.emulator = self.start("emulator", [self.binaries["entragate"], "emulate", "--port", self.emulator_port])
        self.emulator_url = f"http://127.0.0.1:{self.emulator_port}"
        until(lambda: "control plane" in self.emulator.log.read_text(), self.emulator, "the emulator")
        self.mint(cold_tokens)

    def mint(self, cold_tokens):
        every = tokens.mint(self.emulator_port, TOKENS + cold_tokens)
        self.tokens = self.write("tokens", every[:TOKENS])
        self.cold_tokens = self.write("cold_tokens", every[TOKENS:])
        sizes = sorted(map(len, every))
        self.token_bytes = f"{sizes[0]} to {sizes[-1]}"
        self.token = every[0]
        discovery = get(f"{self.emulator_url}/{TENANT}/v2.0/.well-known/openid-configuration")
        self.key_set = get(discovery["jwks_uri"])
        claims = public_key.payload(self.token)
        self.issuer, self.audience = claims["iss"], claims["aud"]
        wanted = public_key.header(self.token)["kid"]
        jwk = next(jwk for jwk in self.key_set["keys"] if jwk["kid"] == wanted)
        self.public_key = self.work / "key.pem"
        self.public_key.write_text(public_key.pem(jwk))

    def write(self, name, lines):
        path = self.work / name
        path.write_text("\n".join(lines) + "\n")
        return path

    def repeated(self, tokens, count):
        """A file with the tokens of another one over and over, to so many."""
        every = tokens.read_text().split()
        return self.write("repeated", (every * (count // len(every) + 1))[:count])

    def start(self, name, command):
        process = Process(command, self.load_cpu, self.work / f"{name}.log")
        self.processes.append(process)
        return process

    def load(self, *arguments):
        """Runs the load and returns what it found."""
        ran = subprocess.run(
            [self.binaries["load"], *map(str, arguments)], capture_output=True, text=True, timeout=1200, check=False
        )
        if ran.returncode != 0:
            raise RuntimeError(f"load {arguments[0]}: {ran.stderr}")
        return json.loads(ran.stdout) | {"complaints": ran.stderr}

    def arrived(self):
        """What has reached the upstream: calls, events sent, streams open."""
        return get(f"http://127.0.0.1:{self.upstream_port}/counters")

    def close(self):
        for process in reversed(self.processes):
            process.stop()
        shutil.rmtree(self.work, ignore_errors=True)
