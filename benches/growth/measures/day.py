"""24 hours in ten minutes: the gateway, the emulated Entra ID and the sample server on a clock that runs 144 times as fast.

In each hour people sign in and are not seen again, others refresh and go on, sign-ins are given up half-way, codes are
guessed, tokens are forged, sessions and streams are opened, and left behind. What all that leaves in the gateway has to
go, or to be bounded, by the clock.
"""

import secrets
import socket
import time
from urllib.parse import urlencode

import sealed
from lines import table
from measures.sessions import BeforeSample, opened
from peers.entragate import Broker
from proc import resident_kib
from process import Process, free_ports, until

TITLE = "A day"
SPEED, HOURS = 144, 24
HOUR = 3600 / SPEED
STAYING, NEW, SESSIONS = 8, 8, 400


class Faked:
    """A gateway in one mode, and all that it needs, on a clock of their own."""

    def __init__(self, ground, mode):
        self.ground = ground
        self.environment = {"LD_PRELOAD": ground.binaries["faketime"], "FAKETIME": f"+0 x{SPEED}", "FAKETIME_DONT_RESET": "1"}
        self.gateway = mode(ground)
        self.gateway.sample_port, emulator_port = free_ports(2)
        binary = self.gateway.binary()
        self.sample = self.start("sample", [binary, "sample", "--port", self.gateway.sample_port], {})
        emulator = [binary, "emulate", "--port", emulator_port]
        self.emulator = self.start("day-emulator", emulator, {})
        until(lambda: "control plane" in self.emulator.log.read_text(), self.emulator, "the emulator")
        url = {"AZURE_AUTHORITY_HOST": f"http://127.0.0.1:{emulator_port}"}
        self.gateway.process = self.start("day", self.gateway.command(), self.gateway.environment() | url)
        until(lambda: self.gateway.call(None)[0] == 401, self.gateway.process, "the gateway")
        self.base = f"http://localhost:{self.gateway.port}"

    def start(self, name, command, environment):
        log = self.ground.work / f"{name}-{secrets.token_hex(4)}.log"
        return Process(command, self.ground.proxy_cpu, log, environment | self.environment)

    def resident(self):
        return resident_kib([self.gateway.process.pid]) / 1024

    def stop(self):
        for process in (self.gateway.process, self.emulator, self.sample):
            process.stop()


class DayOfBroker(BeforeSample, Broker):
    mode = Broker.mode


def refreshed(base, client_id, tokens):
    form = {"grant_type": "refresh_token", "client_id": client_id, "refresh_token": tokens["refresh_token"]}
    answer, text = sealed.ask("POST", f"{base}/oauth/token", urlencode(form), sealed.FORM)
    if answer.status != 200:
        raise RuntimeError(f"no refresh: {text}")
    return sealed.json.loads(text)


def left_alone(base, client_id):
    """A sign-in that ends before it began, and a code that nobody gave out."""
    query = {
        "response_type": "code", "client_id": client_id, "redirect_uri": sealed.CALLBACK, "state": "xyz",
        "code_challenge": "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM", "code_challenge_method": "S256",
    }
    sealed.ask("GET", f"{base}/oauth/authorize?{urlencode(query)}")
    form = {
        "grant_type": "authorization_code", "client_id": client_id, "code": secrets.token_urlsafe(40),
        "redirect_uri": sealed.CALLBACK, "code_verifier": secrets.token_urlsafe(40),
    }
    answer, text = sealed.ask("POST", f"{base}/oauth/token", urlencode(form), sealed.FORM)
    if answer.status != 400:
        raise RuntimeError(f"a guessed code is answered with {answer.status}: {text}")


def listening(gateway, token, session):
    """A stream, opened with GET and left open."""
    stream = socket.create_connection(("127.0.0.1", gateway.port), timeout=30)
    stream.sendall(
        f"GET /mcp HTTP/1.1\r\nHost: localhost:{gateway.port}\r\nAuthorization: Bearer {token}\r\n"
        f"Accept: text/event-stream\r\nMcp-Session-Id: {session}\r\n\r\n".encode()
    )
    return stream


def hour(day, staying):
    """What happens in one hour; the tokens of those who stay, and streams that are left open."""
    base, gateway = day.base, day.gateway
    tokens = [refreshed(base, old["client_id"], old) | {"client_id": old["client_id"]} for old in staying]
    streams = []
    for _ in range(NEW):
        client_id = sealed.register(base)
        left_alone(base, client_id)
        gone = sealed.sign_in(base, client_id)["access_token"]
        streams.append(listening(gateway, gone, opened(gateway, gone)))
        if gateway.call(gone[:-8] + "AAAAAAAA")[0] != 401:
            raise RuntimeError("a forged token is not refused")
    for number in range(SESSIONS):
        opened(gateway, tokens[number % len(tokens)]["access_token"])
    return tokens, streams


def of_mode(ground, mode):
    day = Faked(ground, mode)
    try:
        staying = []
        for _ in range(STAYING):
            client_id = sealed.register(day.base)
            staying.append(sealed.sign_in(day.base, client_id) | {"client_id": client_id})
        sizes, old = [day.resident()], []
        for number in range(HOURS):
            ends = time.monotonic() + HOUR
            staying, streams = hour(day, staying)
            # They live for an hour and are then left without a word, as by a laptop that is closed.
            for stream in old:
                stream.close()
            old = streams
            if (late := time.monotonic() - ends) > 0:
                raise RuntimeError(f"an hour's work took {late:.0f} s longer than the hour")
            time.sleep(ends - time.monotonic())
            sizes.append(day.resident())
        return sizes
    finally:
        day.stop()


def measure(ground):
    sizes = {"relay": of_mode(ground, BeforeSample), "broker": of_mode(ground, DayOfBroker)}
    hours = [0, 1, 2, 4, 8, 12, 16, 20, 24]
    rows = [[mode, *(f"{found[hour]:.1f}" for hour in hours)] for mode, found in sizes.items()]
    return table(["resident, MiB, after hours", *map(str, hours)], rows)
