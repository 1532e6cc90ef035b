"""What breaks at the virtual address and at what moves it."""

import signal

from case import case
from healers import ended, setting
from netns import addresses, batch, http_request, set_link, wait_for
from stage import VIP

PAUSE = "/ooha/office/pause"


def has_vip(stage):
    return VIP in addresses(stage.node)


def etcd(stage, *words):
    return stage.exec("etcdctl", "--endpoints", "http://127.0.0.1:2379", *words)


@case("the VIP is on no node: moves are paused, nobody holds", "VIP on no node")
def nowhere(stage):
    etcd(stage, "put", PAUSE, '{"by":"root@node-a","at":"2026-01-01T00:00:00Z","reason":"lab"}')
    stage.end("agent")
    try:
        wait_for(lambda: not has_vip(stage), 10, "the VIP is gone")
        stage.start("agent")
        wait_for(lambda: (stage.directory / "run/ooha.sock").exists(), 5, "the agent answers")
        yield
    finally:
        etcd(stage, "del", PAUSE)


@case("the agent is stopped", "agent down")
def agent_stopped(stage):
    with ended(stage, "agent"):
        wait_for(lambda: not has_vip(stage), 10, "the VIP is gone")
        yield


@case("etcd is stopped", "etcd unreachable")
def etcd_stopped(stage):
    with ended(stage, "etcd"):
        wait_for(lambda: not has_vip(stage), 10, "the VIP is gone")
        yield


@case("another host has the VIP as well", "VIP on two hosts", "VIP not announced")
def duplicate(stage):
    batch(stage.other, f"addr add {VIP}/24 dev eth0")
    try:
        yield
    finally:
        batch(stage.other, f"addr del {VIP}/24 dev eth0")


@case("the VIP is here, and ARP for it is not answered", "VIP not announced")
def not_announced(stage):
    with setting(stage, "net.ipv4.conf.eth0.arp_ignore", "8"):
        batch(stage.client, "neigh flush dev eth0")
        yield


@case("the agent was killed, the VIP put back by hand behind its fence", "VIP fenced",
      "agent down")
def fenced(stage):
    agent = stage.processes["agent"]
    agent.signal(signal.SIGKILL)
    agent.wait_dead(5)
    wait_for(lambda: not has_vip(stage), 10, "the VIP is gone")
    batch(stage.node, f"addr add {VIP}/24 dev eth0")
    try:
        wait_for(lambda: http_request(stage.client, VIP, 80, "/healthcheck", timeout=0.2) is None,
                 5, "the VIP is silent")
        yield
    finally:
        batch(stage.node, f"addr del {VIP}/24 dev eth0")
        stage.start("agent")


@case("the interface of the VIP is down", "VIP's interface down")
def interface_down(stage):
    set_link(stage.node, "eth0", False)
    try:
        yield
    finally:
        set_link(stage.node, "eth0", True)


@case("the cable of the VIP's interface is unplugged", "VIP's interface down")
def unplugged(stage):
    set_link(stage.switch, "p-a", False)
    try:
        yield
    finally:
        set_link(stage.switch, "p-a", True)
