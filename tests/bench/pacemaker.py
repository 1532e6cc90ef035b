"""Pacemaker on Corosync, each node in namespaces of its own: it finds its daemons by name."""

import os
import signal
import time
import xml.etree.ElementTree

import config
from netns import LabError, now_us, run, wait_for
from process import Process
from sides import Side, children

START_S = 60  # the first election alone waits for 20 s

COROSYNC = """\
totem {{
    version: 2
    cluster_name: office
    transport: knet
    crypto_cipher: none
    crypto_hash: none
}}
nodelist {{
{nodes}
}}
quorum {{
    provider: corosync_votequorum
}}
logging {{
    to_stderr: yes
    to_syslog: no
}}
"""
MEMBER = """\
    node {{
        ring0_addr: {address}
        name: {name}
        nodeid: {number}
    }}"""

CIB = """\
<cib validate-with="pacemaker-3.8" epoch="9" num_updates="0" admin_epoch="0"><configuration>
<crm_config><cluster_property_set id="options">
  <nvpair id="options-stonith" name="stonith-enabled" value="false"/>
  <nvpair id="options-quorum" name="no-quorum-policy" value="stop"/>
</cluster_property_set></crm_config>
<nodes/>
<resources>
  <primitive id="vip" class="ocf" provider="heartbeat" type="IPaddr2">
    <instance_attributes id="vip-attributes">
      <nvpair id="vip-ip" name="ip" value="{vip}"/>
      <nvpair id="vip-mask" name="cidr_netmask" value="24"/>
      <nvpair id="vip-nic" name="nic" value="eth0"/>
    </instance_attributes>
    <operations><op id="vip-monitor" name="monitor" interval="10s"/></operations>
  </primitive>
  <clone id="service"><primitive id="docservice" class="ocf" provider="heartbeat" type="docservice">
    <meta_attributes id="docservice-meta">
      <nvpair id="docservice-threshold" name="migration-threshold" value="1"/>
    </meta_attributes>
    <operations><op id="docservice-monitor" name="monitor" interval="1s" timeout="4s"/></operations>
  </primitive></clone>
</resources>
<constraints>
  <rsc_colocation id="together" rsc="vip" with-rsc="service" score="INFINITY"/>
  <rsc_order id="after" first="service" then="vip"/>
</constraints>
<rsc_defaults><meta_attributes id="defaults">
  <nvpair id="defaults-stickiness" name="resource-stickiness" value="100"/>
</meta_attributes></rsc_defaults>
</configuration><status/></cib>
"""

# a check as a resource: it has the service looked at, nothing more
AGENT = """\
#!/bin/sh
. /usr/lib/ocf/lib/heartbeat/ocf-shellfuncs
state=/run/crm/docservice.started
check() {
    [ -e $state ] || return $OCF_NOT_RUNNING
    curl -s -f -m 1 -o /dev/null http://127.0.0.1:8000/index.html &&
        [ "$(curl -s -f -m 4 http://127.0.0.1/healthcheck)" = true ] || return $OCF_ERR_GENERIC
}
case $1 in
start) touch $state; check ;;
stop) rm -f $state ;;
monitor) check ;;
meta-data) echo '<?xml version="1.0"?><resource-agent name="docservice"><version>1</version>
<parameters/><actions><action name="start" timeout="10s"/><action name="stop" timeout="10s"/>
<action name="monitor" timeout="10s" interval="1s"/><action name="meta-data" timeout="5s"/></actions>
</resource-agent>' ;;
*) exit $OCF_ERR_UNIMPLEMENTED ;;
esac
"""

# number 1 of the node's own processes: with it all end
INIT = """\
#!/bin/sh
set -e
# corosync's lock is in /run, where the lab's own files are
mount --bind {directory} /mnt
mount -t tmpfs -o mode=755 bench /run
mkdir -p {directory}
mount --move /mnt {directory}
for place in /run/crm /run/resource-agents /var/lib/pacemaker /var/lib/corosync /var/log/pacemaker \\
    /dev/shm; do
    mkdir -p $place
    mount -t tmpfs -o mode=1777 bench $place
done
for place in cib cores pengine blackbox; do
    mkdir /var/lib/pacemaker/$place
done
chown -R hacluster:haclient /run/crm /var/lib/pacemaker /var/log/pacemaker
mount --bind {directory}/agents /usr/lib/ocf/resource.d/heartbeat
corosync -f -c {directory}/corosync.conf &
until corosync-cfgtool -n >/dev/null 2>&1; do sleep 0.1; done
pacemakerd
kill $!
"""


def all_below(pid):
    """Its children, and theirs."""
    below = []
    for child in children(pid):
        try:
            below += [child] + all_below(child)
        except FileNotFoundError:  # a script that has ended
            continue
    return below


def name_of(pid):
    try:
        with open(f"/proc/{pid}/comm", encoding="utf-8") as handle:
            return handle.read().strip()
    except FileNotFoundError:
        return ""


class Pacemaker(Side):
    """Pacemaker 2.1 on Corosync 3.1 as "Clusters from Scratch" has it, with IPaddr2 and a cloned
    check; stonith-enabled=false, as there is no power switch here that it could use."""
    name = service = "pacemaker"
    vips_most = 1  # each address is a resource with scripts of its own: seconds for a hundred
    daemons = ("corosync", "pacemakerd", "pacemaker-")

    def write(self, node):
        directory = node.directory / "pacemaker"
        nodes = "\n".join(MEMBER.format(address=each.address, name=each.name, number=each.index + 1)
                          for each in self.lab.nodes)
        config.write(directory / "corosync.conf", COROSYNC.format(nodes=nodes))
        config.write(directory / "cib.xml", CIB.format(vip=self.lab.vips[0]))
        config.write(directory / "init", INIT.format(directory=directory), 0o755)
        config.write(directory / "agents" / "docservice", AGENT, 0o755)
        with open("/usr/lib/ocf/resource.d/heartbeat/IPaddr2", encoding="utf-8") as agent:
            config.write(directory / "agents" / "IPaddr2", agent.read(), 0o755)
        return directory

    def start(self, node):
        if self.lab.is_running(node, self.service):
            return
        directory = self.write(node)
        self.faults.delete_vip(node)
        self.lab.processes[node.name, self.service] = Process.start(
            f"{node.name}/pacemaker", node.namespace,
            ["unshare", "--mount", "--uts", "--pid", "--fork", "--kill-child", "--mount-proc", "sh",
             "-c", f"hostname {node.name}; exec {directory}/init"], directory / "log")
        self.lab.save()

    def inside(self, node, *command, check=True):
        """Runs a command in the node's namespaces."""
        first = children(self.lab.process(node, self.service).pid)
        if not first:
            raise LabError(f"pacemaker of {node.name} does not run")
        return run("nsenter", "-t", str(first[0]), "-m", "-u", "-p", "-n", *command, check=check)

    def state(self):
        """(nodes online, {resource: nodes it runs on})"""
        for node in self.lab.nodes:
            if not self.lab.is_running(node, self.service):
                raise LabError(f"{node.name}: {self.lab.process(node, self.service).tail(1)}")
        done = self.inside(self.lab.nodes[0], "crm_mon", "-1", "--output-as=xml", check=False)
        try:
            root = xml.etree.ElementTree.fromstring(done.stdout)
        except xml.etree.ElementTree.ParseError:
            return 0, {}
        runs = {}
        for resource in root.findall("./resources//resource"):
            if resource.get("failed") != "true":
                runs.setdefault(resource.get("id"), []).extend(
                    node.get("name") for node in resource.findall("node"))
        return len(root.findall("./nodes/node[@online='true']")), runs

    def is_settled(self):
        time.sleep(0.3)
        n_online, runs = self.state()
        return (n_online == len(self.lab.nodes) and len(runs.get("vip", [])) == 1
                and len(runs.get("docservice", [])) == len(self.lab.nodes)
                and [node.name for node in self.lab.holders()] == runs["vip"])

    def begin(self):
        self.faults.heal_all()
        for node in self.lab.nodes:
            self.start(node)
        one = self.lab.nodes[0]
        wait_for(lambda: time.sleep(0.5) or self.state()[0] == len(self.lab.nodes), START_S,
                 "pacemaker has all nodes online")
        self.inside(one, "cibadmin", "--replace", "--xml-file",
                    one.directory / "pacemaker" / "cib.xml")
        self.await_settled()

    def await_settled(self):
        """What failed before is forgotten, as an operator does when it was mended."""
        wait_for(lambda: time.sleep(0.3) or self.state()[0] == len(self.lab.nodes), START_S,
                 "pacemaker has all nodes online")
        self.inside(self.lab.nodes[0], "crm_resource", "--cleanup", check=False)
        super().await_settled()

    def pids(self, node):
        return [pid for pid in all_below(self.lab.process(node, self.service).pid)
                if name_of(pid).startswith(self.daemons)]

    def stop(self, node):
        """SIGTERM of pacemakerd, which gives away what it runs, and ends."""
        before_us = now_us()
        for pid in self.pids(node):
            if name_of(pid) == "pacemakerd":
                os.kill(pid, signal.SIGTERM)
        return before_us

    def signal(self, node, number):
        """To all of its processes, as they are in groups of their own."""
        pids = all_below(self.lab.process(node, self.service).pid)
        before_us = now_us()
        for pid in pids:
            os.kill(pid, number)
        return before_us

    def kill(self, node):
        return self.lab.process(node, self.service).signal(signal.SIGKILL, whole_group=True)

    def show_config(self):
        directory = self.write(self.lab.nodes[0])
        return "".join(f"# {name}:\n{(directory / name).read_text(encoding='utf-8')}"
                       for name in ("corosync.conf", "cib.xml", "agents/docservice"))
