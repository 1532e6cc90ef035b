"""A name server: A records of a JSON file, read anew at each question; all other names are not."""

import json
import socket
import struct
import sys


def answer(question, zone):
    """The answer to a packet with one question (RFC 1035, section 4.1)."""
    labels, at = [], 12
    while question[at]:
        labels.append(question[at + 1:at + 1 + question[at]].decode("latin-1"))
        at += 1 + question[at]
    asked, kind = question[12:at + 5], struct.unpack("!H", question[at + 1:at + 3])[0]
    address = zone.get(".".join(labels).lower())
    records = b""
    if address and kind == 1:
        records = b"\xc0\x0c" + struct.pack("!HHIH", 1, 1, 1, 4) + socket.inet_aton(address)
    code = 0 if address else 3
    return question[:2] + struct.pack("!HHHHH", 0x8580 | code, 1, bool(records), 0, 0) + asked + records


def main():
    path, at = sys.argv[1:3]
    server = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    server.bind((at, 53))
    while True:
        question, client = server.recvfrom(512)
        with open(path, encoding="ascii") as handle:
            zone = json.load(handle)
        try:
            server.sendto(answer(question, zone), client)
        except (IndexError, struct.error, OSError):
            continue  # no question


if __name__ == "__main__":
    main()
