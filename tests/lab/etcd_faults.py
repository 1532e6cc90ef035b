"""Faults of etcd as a whole: its members, its data, its space."""

import json
import shutil
import signal
import time

from netns import LabError, http_request, nft, now_us, run, wait_for

CUT = "ooha_lab"  # as in faults.py: `heal` removes it
FILL_BYTES = 1 << 20


class EtcdFaults:
    """What is done to the etcd of one lab. Times are as in faults.py."""

    def __init__(self, lab, faults):
        self.lab, self.faults = lab, faults

    def member_asked_by(self, node):
        """The node whose member the agent of this node talks to, as its status says."""
        _, status = self.lab.status(node)
        for member in self.lab.members:
            if f"//{member.address}:" in status["etcd"]["endpoint"]:
                return member
        raise LabError(f"{node.name} asks {status['etcd']['endpoint']}")

    def swallow(self, member):
        """Packets of clients to the member are dropped, its peers go on hearing it."""
        return nft(member.namespace, f"""table inet {CUT} {{
            chain in {{ type filter hook input priority -300; policy accept;
                tcp dport 2379 drop
            }}
        }}\n""")

    def signal_all(self, number):
        """All members at once; returns the time just before the first."""
        return min([self.lab.process(member, "etcd").signal(number, whole_group=True)
                    for member in self.lab.members])

    def kill_all(self):
        before_us = self.signal_all(signal.SIGKILL)
        for member in self.lab.members:
            self.lab.process(member, "etcd").wait_dead(5)
        return before_us

    def start_all(self):
        """Starts the members; returns when the first of them answered as healthy."""
        for member in self.lab.members:
            self.lab.start(member, "etcd")
        wait_for(lambda: any(map(self.lab.etcd_is_healthy, self.lab.members)), 20,
                 "etcd has a leader")
        return now_us()

    def data(self, member):
        return self.lab.etcd_data / member.name

    def wipe(self):
        """The data of all members, which do not run, is gone."""
        for member in self.lab.members:
            shutil.rmtree(self.data(member))
        self.lab.started_at = dict.fromkeys(self.lab.started_at, 0)  # revisions begin anew

    def etcdctl(self, *words, timeout=20):
        endpoints = ",".join(f"http://{member.address}:2379" for member in self.lab.members)
        # its own 5 s are too short for members that are cut off, or slow, meanwhile
        return run("ip", "netns", "exec", self.lab.client, "etcdctl", "--command-timeout",
                   f"{timeout - 2}s", "--endpoints", endpoints, *words, timeout=timeout)

    def save(self, path):
        run("ip", "netns", "exec", self.lab.client, "etcdctl", "--endpoints",
            f"http://{self.lab.members[0].address}:2379", "snapshot", "save", path)

    def restore(self, path):
        """All members, which do not run, get the data of the backup."""
        cluster = ",".join(f"{member.name}=http://{member.address}:2380"
                           for member in self.lab.members)
        self.wipe()
        for member in self.lab.members:
            run("etcdctl", "snapshot", "restore", path, "--name", member.name, "--data-dir",
                self.data(member), "--initial-cluster", cluster, "--initial-cluster-token",
                "ooha-lab", "--initial-advertise-peer-urls", f"http://{member.address}:2380")

    def revision(self):
        return self.lab.range("/ooha/")[0]

    def alarms(self):
        answer = http_request(self.lab.client, self.lab.members[0].address, 2379,
                              "/v3/maintenance/alarm", json.dumps({"action": "GET"}))
        return json.loads(answer[2]).get("alarms", []) if answer and answer[0] == 200 else []

    def fill(self):
        """Puts until etcd has no space left; returns when it said so first."""
        deadline = time.monotonic() + 20
        while time.monotonic() < deadline:
            before_us = now_us()
            try:
                self.lab.put("/lab/filler", "x" * FILL_BYTES)
            except LabError:
                wait_for(self.alarms, 5, "the alarm is raised")
                return before_us
        raise LabError("etcd cannot be filled")

    def make_space(self):
        """What the agent says is to be done; returns the time just before the disarming."""
        self.etcdctl("compaction", str(self.revision()))
        self.etcdctl("defrag")
        before_us = now_us()
        self.etcdctl("alarm", "disarm")
        return before_us
