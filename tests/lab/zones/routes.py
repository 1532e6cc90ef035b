"""Hears routes come and go in the kernels of several namespaces, with their times."""

import ipaddress
import selectors
import socket
import struct
import threading

from netns import inside, now_us

GROUPS = 0x40 | 0x400  # RTMGRP_IPV4_ROUTE, RTMGRP_IPV6_ROUTE
NEW, DELETED = 24, 25
TABLE_LOCAL = 255
TYPE_UNICAST = 1
DST, OIF, GATEWAY = 1, 4, 5


def attributes(data):
    found = {}
    while len(data) >= 4:
        length, kind = struct.unpack_from("HH", data)
        if length < 4:
            break
        found[kind & 0x3fff] = data[4:length]
        data = data[(length + 3) & ~3:]
    return found


def messages(data):
    """(type, body) of each netlink message."""
    while len(data) >= 16:
        length, kind = struct.unpack_from("IH", data)
        yield kind, data[16:length]
        data = data[(length + 3) & ~3:]


class RouteWatch:
    """Listens from when it was made until close()."""

    def __init__(self, namespaces, vips):
        """namespaces: {name: namespace}."""
        self.vips = {ipaddress.ip_address(vip).packed: vip for vip in vips}
        self.events = []  # (t_us, name, vip, gateway; "dev" where there is none, None: it went)
        self.selector = selectors.DefaultSelector()
        for name, namespace in namespaces.items():
            self.selector.register(inside(namespace, self.open), selectors.EVENT_READ, name)
        self.is_over = False
        self.thread = threading.Thread(target=self.listen, daemon=True)
        self.thread.start()

    @staticmethod
    def open():
        handle = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, socket.NETLINK_ROUTE)
        handle.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 20)
        handle.bind((0, GROUPS))
        return handle

    def close(self):
        self.is_over = True
        self.thread.join()
        for key in list(self.selector.get_map().values()):
            key.fileobj.close()
        self.selector.close()

    def listen(self):
        while not self.is_over:
            for key, _ in self.selector.select(timeout=0.2):
                data = key.fileobj.recv(1 << 16)
                at_us = now_us()
                for kind, body in messages(data):
                    if kind in (NEW, DELETED):
                        self.note(at_us, key.data, kind, body)

    def note(self, at_us, name, kind, body):
        table, route_type = body[4], body[7]
        found = attributes(body[12:])
        vip = self.vips.get(found.get(DST))
        if vip is None or table == TABLE_LOCAL or route_type != TYPE_UNICAST:
            return
        gateway = found.get(GATEWAY)
        gateway = str(ipaddress.ip_address(gateway)) if gateway else "dev"
        self.events.append((at_us, name, vip, gateway if kind == NEW else None))

    def first(self, name, vip, since_us, gateway=None, gone=False):
        """When a route to vip (over that gateway) first came, or went, after since_us; or None."""
        for at_us, where, address, over in list(self.events):
            if at_us >= since_us and (where, address) == (name, vip) and (
                    over is None if gone else over is not None and gateway in (None, over)):
                return at_us
        return None

    def told_since(self, since_us):
        return [f"{(at_us - since_us) / 1000:+12.1f} ms  {name:12} {vip} "
                f"{'gone' if over is None else 'via ' + over}"
                for at_us, name, vip, over in list(self.events) if at_us >= since_us - 1000]
