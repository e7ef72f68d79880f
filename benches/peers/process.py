"""Processes that the run starts, each on the core that it is given."""

import os
import socket
import subprocess
import time

PATIENCE = 120
DESCRIPTORS = 20000


def free_ports(count):
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [one.getsockname()[1] for one in sockets]
    for one in sockets:
        one.close()
    return ports


class Process:
    """A running program; what it says is in `log`."""

    def __init__(self, command, cpu, log, environment=None):
        # Exactly these variables, whatever the shell has.
        bare = {"PATH": os.environ["PATH"], "LANG": "C.UTF-8", "HOME": str(log.parent)}
        self.log = log
        with open(log, "ab") as out:
            self.popen = subprocess.Popen(
                [str(word) for word in command], cwd=log.parent, env=bare | (environment or {}),
                stdin=subprocess.DEVNULL, stdout=out, stderr=out,
                preexec_fn=lambda: os.sched_setaffinity(0, {cpu}),
            )
        self.pid = self.popen.pid

    def check(self):
        """It runs, or what it said last is the error."""
        if self.popen.poll() is not None:
            said = self.log.read_text(errors="replace")[-2000:]
            raise RuntimeError(f"{self.popen.args[0]} ended with {self.popen.returncode}:\n{said}")

    def stop(self):
        self.popen.terminate()
        try:
            self.popen.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            self.popen.kill()
            self.popen.wait()


def until(condition, process, what, pause=0.05):
    """Waits until `condition` is true; its value."""
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        process.check()
        if found := condition():
            return found
        time.sleep(pause)
    raise RuntimeError(f"{what} did not get ready:\n{process.log.read_text(errors='replace')[-2000:]}")
