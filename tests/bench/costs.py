"""What ooha costs its etcd: requests and bytes of a cluster at rest, and what an hour of renewals
leaves in the store."""

import base64
import http.client
import json
import shutil
import subprocess
import tempfile
import time

from netns import LabError, wait_for
from sides import run_threads_ns, sent_bytes
from tuned import etcd_metrics

RENEWALS_AN_HOUR = 7200      # of one holder at the default of 500 ms
COMPACT_EVERY = 600          # in revision mode etcd compacts every 5 min,
RETENTION = 1000             # up to so many revisions ago
PREFIX = "/ooha/office/groups/office/"
REPLAY_PORT = 23791


def totals(lab):
    """Summed over the members: what clients asked, in requests and bytes; what the disks got."""
    found = {"requests": 0, "received": 0, "sent": 0, "fsyncs": 0, "CPU": 0, "revisions": 0}
    for member in lab.members:
        values = etcd_metrics(lab, member)
        if not values:
            raise LabError(f"etcd of {member.name} has no metrics")
        for name, value in values.items():
            if name.startswith("grpc_server_handled_total"):
                found["requests"] += value
        found["received"] += values["etcd_network_client_grpc_received_bytes_total"]
        found["sent"] += values["etcd_network_client_grpc_sent_bytes_total"]
        found["fsyncs"] += values["etcd_disk_wal_fsync_duration_seconds_count"]
        found["CPU"] += run_threads_ns(lab.process(member, "etcd").pid) / 1e9
    found["revisions"] = lab.range("/ooha/")[0]
    return found


def usage(lab, seconds):
    """{what: a second} of all members together; wire: what the nodes send."""
    before, began = totals(lab), time.monotonic()
    sent = -sent_bytes(lab)  # after the members were asked
    time.sleep(seconds)
    sent += sent_bytes(lab)
    after, took = totals(lab), time.monotonic() - began
    return {what: (after[what] - before[what]) / took for what in before} | {"wire": sent / seconds}


class Replay:
    """One etcd of its own, on tmpfs, that gets an hour's renewals as fast as it takes them."""

    def __init__(self):
        self.directory = tempfile.mkdtemp(dir="/dev/shm", prefix="ooha-replay-")
        self.url = f"127.0.0.1:{REPLAY_PORT}"
        self.process = subprocess.Popen(
            ["etcd", "--data-dir", self.directory, "--unsafe-no-fsync", "--log-level", "error",
             "--listen-client-urls", f"http://{self.url}",
             "--advertise-client-urls", f"http://{self.url}",
             "--listen-peer-urls", f"http://127.0.0.1:{REPLAY_PORT + 1}"],
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self.connection = http.client.HTTPConnection(self.url, timeout=5)

    def ask(self, path, body):
        self.connection.request("POST", path, json.dumps(body))
        answer = self.connection.getresponse()
        text = answer.read()
        if answer.status != 200:
            raise LabError(f"etcd for the replay: {path}: {answer.status} {text.decode()}")
        return json.loads(text)

    def is_up(self):
        try:
            return self.ask("/v3/maintenance/status", {})["leader"]
        except (OSError, http.client.HTTPException, LabError, KeyError):
            self.connection.close()
            time.sleep(0.05)
            return False

    def end(self):
        self.connection.close()
        self.process.kill()
        self.process.wait()
        shutil.rmtree(self.directory, ignore_errors=True)

    def db_bytes(self):
        return int(self.ask("/v3/maintenance/status", {})["dbSize"])

    def put(self, key, value):
        put = {"key": base64.b64encode(key.encode()).decode(),
               "value": base64.b64encode(value.encode()).decode()}
        answer = self.ask("/v3/kv/txn", {"compare": [], "success": [{"request_put": put}]})
        return int(answer["header"]["revision"])


def hour_mb(keys, is_compacted):
    """By how much an hour of renewals, as a real holder writes them, makes a store grow."""
    replay = Replay()
    try:
        wait_for(replay.is_up, 10, "etcd for the replay is up")
        replay.put(PREFIX + "leader", keys[PREFIX + "leader"])
        beat = json.loads(keys[PREFIX + "beat"])
        before = replay.db_bytes()
        for i in range(RENEWALS_AN_HOUR):
            revision = replay.put(PREFIX + "beat", json.dumps(beat | {"seq": 100_000 + i},
                                                              separators=(",", ":")))
            if is_compacted and i % COMPACT_EVERY == 0 and revision > RETENTION:
                replay.ask("/v3/kv/compaction", {"revision": revision - RETENTION})
        time.sleep(0.3)  # the last batch is written
        return (replay.db_bytes() - before) / 1e6
    finally:
        replay.end()


def costs(side, seconds):
    """(measure's figures) of a settled cluster at rest; the hour is replayed, not waited for."""
    keys = side.lab.keys("/ooha/")
    load = usage(side.lab, seconds)
    return {"etcd requests": [load["requests"]], "etcd bytes in": [load["received"]],
            "etcd bytes out": [load["sent"]], "etcd revisions": [load["revisions"]],
            "etcd fsyncs, 3 members": [load["fsyncs"]],
            "etcd CPU, 3 members": [100 * load["CPU"]],
            "db growth an hour, no compaction": [hour_mb(keys, False)],
            "db growth an hour, compacted": [hour_mb(keys, True)]}
