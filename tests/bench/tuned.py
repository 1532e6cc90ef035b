"""A lab with an etcd that is tuned for a short ttl, and what etcd says of its disk."""

import pathlib
import re
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "lab"))

from lab import Lab  # noqa: E402
from netns import http_request  # noqa: E402


def parse_tuning(text):
    """HEARTBEAT/ELECTION in ms, as in 50/500."""
    heartbeat_ms, _, election_ms = text.partition("/")
    heartbeat_ms, election_ms = int(heartbeat_ms), int(election_ms)
    if not 1 <= heartbeat_ms * 5 <= election_ms:
        raise ValueError("etcd wants an election timeout of five heartbeats or more")
    return heartbeat_ms, election_ms


def tune(lab, tuning):
    """Members that are started from now on get these timings."""
    heartbeat_ms, election_ms = tuning
    for member in lab.members:
        lab.around[member.name, "etcd"] = ((), (
            f"--heartbeat-interval={heartbeat_ms}", f"--election-timeout={election_ms}"))


def make(options, tuning):
    lab = Lab(options)
    tune(lab, tuning)
    return lab


def etcd_metrics(lab, member):
    """{name with labels: value} of a member; empty if it does not answer."""
    answer = http_request(lab.client, member.address, 2379, "/metrics")
    if answer is None or answer[0] != 200:
        return {}
    found = {}
    for line in answer[2].decode().splitlines():
        match = re.match(r"([^#\s]+(?:\{.*\})?) (\S+)$", line)
        if match:
            found[match[1]] = float(match[2])
    return found


def agent_metrics(lab, node):
    """The same of an agent."""
    answer = http_request(node.namespace, node.address, 8009, "/metrics")
    if answer is None or answer[0] != 200:
        return {}
    return {name: float(value) for name, value in (
        line.rsplit(" ", 1) for line in answer[2].decode().splitlines()
        if line and not line.startswith("#"))}


def bucket(name):
    """The upper bound of a histogram's bucket in s, infinity included."""
    return float(re.search(r'le="([^"]+)"', name)[1].replace("+Inf", "inf"))


def histogram(before, after, prefix):
    """[(upper bound in s, how many came since before up to it)] of one histogram."""
    names = [name for name in after if name.startswith(f"{prefix}_bucket")]
    return sorted((bucket(name), after[name] - before.get(name, 0)) for name in names)


def share_within(buckets, share):
    """The upper bound of the bucket in which that share is reached, in ms; 0: there were none."""
    total = buckets[-1][1] if buckets else 0
    for bound_s, count in buckets:
        if total and count >= share * total:
            return bound_s * 1000
    return 0
