"""All measurements of all peers in interleaved rounds. Started by run.sh.

    python3 rounds.py entragate=PATH load=PATH upstream=PATH python=PATH envoy=PATH

One JSON line for each result on stdout, progress on stderr. Within a measurement the peers follow each other, so that a
ratio compares what happened within seconds; each round begins with another peer, so that none always follows the same one.
Exit code 1 when a measurement is invalid, or a peer lets somebody in without a good token.
"""

import json
import os
import signal
import sys

from ground import Ground
from measurements import MEASUREMENTS
from peers import PEERS
from watch import Invalid


def say(line):
    print(json.dumps(line), flush=True)


def note(text):
    print(text, file=sys.stderr, flush=True)


def result(measurement, peer, ground, seconds):
    """What a measurement finds; that it is invalid is a result, too."""
    try:
        return measurement.measure(peer, ground, seconds)
    except (Invalid, RuntimeError) as error:
        return {"failed": str(error)}


def rounds(ground, peers, count, seconds):
    for number in range(count):
        first = number % len(peers)
        for measurement in MEASUREMENTS:
            for peer in filter(measurement.applies, peers[first:] + peers[:first]):
                found = result(measurement, peer, ground, seconds)
                problem = found.get("failed") or found.get("problem")
                say({"round": number, "name": measurement.name, "peer": peer.key} | found)
                note(f"round {number + 1} of {count}, {measurement.name}, {peer.key}: {problem or 'ok'}")
                yield problem


def main():
    binaries = dict(argument.split("=", 1) for argument in sys.argv[1:])
    setting = lambda name, default: type(default)(os.environ.get(f"BENCH_{name}", default))
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(130))
    ground = Ground(binaries, setting("COLD_TOKENS", 20000))
    try:
        only = os.environ.get("BENCH_PEERS", "").split()
        peers = [peer(ground) for peer in PEERS if not only or peer.key in only]
        for peer in peers:
            peer.sign_in()
        say({"about": "tokens", "bytes": ground.token_bytes})
        problems = [problem for problem in rounds(ground, peers, setting("ROUNDS", 5), setting("SECONDS", 4.0)) if problem]
        # Before the proofs, which make the gateway warn.
        logged = [f"{peer.key} logged: {peer.log()[:400]}" for peer in peers if peer.is_judging and peer.log()]
        proofs = [problem for peer in peers for problem in peer.prove()]
        for problem in proofs + logged:
            say({"about": "problem", "problem": problem})
            note(problem)
    finally:
        for peer in locals().get("peers", []):
            peer.stop()
        ground.close()
    sys.exit(1 if problems or proofs or logged else 0)


main()
