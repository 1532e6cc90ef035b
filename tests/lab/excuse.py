"""When the service may be away: the changes that the runner made, and what follows from them.

A change (a fault, or its healing) has a bound: within it the service is back. That is a window. A
fault that comes within the window of an earlier one may hit the node that was about to help: then
another takeover begins, at the earlier window's end or when the death of that node shows, whichever
is first. Whatever is away outside of all windows is late.
"""

import dataclasses

from story import (CHECKS, FALL, PLANNED_US, SLACK_CHECK_US, SLACK_DEATH_US, STARTING_US,
                   detection_us)

RISE_US = 5_000_000   # from a node's start or cure until its checks are up and etcd says so
CALM_US = 20_000_000  # from the last healing until all nodes are eligible and one holds


class Timing:
    """The bounds that follow from a ttl; docs/design.md, section 4."""

    def __init__(self, ttl_ms):
        self.ttl_us = ttl_ms * 1000
        self.renew_us = self.ttl_us // 6
        self.request_us = self.renew_us * 4 // 5
        self.margin_us = max(100_000, self.ttl_us // 20)
        # a hold lasts at least so long after the last renewal that could be answered
        self.hold_us = self.ttl_us - self.margin_us - self.renew_us
        # so long may etcd be silent: the request after that is still answered within the hold
        self.survives_us = self.hold_us - self.request_us
        # of an agent that cannot re-arm it an address lasts at least so long
        lifetime_us = max(1_000_000, (self.ttl_us - self.renew_us) // 1_000_000 * 1_000_000
                          - 1_000_000)
        self.armed_us = lifetime_us - max(self.renew_us, lifetime_us // 2)
        self.death_us = self.ttl_us + SLACK_DEATH_US  # of a holder that cannot take part
        self.back_us = self.ttl_us + 1_000_000  # from an etcd that is back, or a node to hold

    @staticmethod
    def check_us(check, hangs=False):
        """The longest until a failing check has moved the address."""
        return detection_us(check, hangs) + SLACK_CHECK_US

    def edges_us(self):
        """Durations at which something just happens, or just does not."""
        return [self.renew_us, self.request_us, self.armed_us, self.survives_us, self.hold_us,
                self.ttl_us - self.margin_us, self.ttl_us, self.ttl_us * 101 // 100 + 1000,
                self.death_us] + [FALL * interval_us for interval_us, _ in CHECKS.values()]


@dataclasses.dataclass
class Span:
    """A change (start is end), or a time in which the service is not owed at all."""
    start_us: int
    end_us: int
    bound_us: int
    moves: bool = False  # the holder may have to change
    source: object = None


@dataclasses.dataclass
class Window:
    """Changes that run into one another: until then the service may be away."""
    start_us: int
    until_us: int
    spans: list

    @property
    def sources(self):
        return list(dict.fromkeys(s.source for s in self.spans if s.source is not None))


def merge(spans, timing):
    """The windows of spans, in order."""
    windows = []
    for span in sorted(spans, key=lambda span: span.start_us):
        until_us = span.end_us + span.bound_us
        last = windows[-1] if windows else None
        if last is None or span.start_us > last.until_us:
            windows.append(Window(span.start_us, until_us, [span]))
            continue
        if span.moves and any(other.moves and other.source not in (None, span.source)
                              for other in last.spans):
            shows_us = min(last.until_us, span.end_us + timing.death_us)
            until_us = max(until_us, shows_us + timing.death_us)
        last.until_us = max(last.until_us, until_us)
        last.spans.append(span)
    return windows


def with_silences(spans, silences, timing):
    """The windows when etcd was silent in silences, (start, end) each. A silence that outlasts
    what is left of a hold takes the service away by right. A shorter one takes nothing, but holds
    up a move that is under way, or makes a takeover of it."""
    spans = list(spans)
    short = []
    for start_us, end_us in silences:
        if end_us - start_us > timing.survives_us:
            spans.append(Span(start_us, end_us, timing.back_us, moves=True))
        else:
            short.append(Span(start_us, end_us, timing.death_us))
    while True:
        windows = merge(spans, timing)
        moves = [window for window in windows if any(span.moves for span in window.spans)]
        held_up = [span for span in short if any(
            span.start_us <= window.until_us and span.end_us >= window.start_us
            for window in moves)]
        if not held_up:
            return windows
        spans += held_up
        short = [span for span in short if span not in held_up]


def unable(faults, n_nodes):
    """The times at which no node was able to hold. faults: (node, start, end) each; one that is not
    healed yet ends at infinity. Returns (start, end) each."""
    edges = sorted({edge for _, start_us, end_us in faults for edge in (start_us, end_us)})
    found = []
    for start_us, end_us in zip(edges, edges[1:]):
        ill = {node for node, from_us, until_us in faults
               if from_us <= start_us and end_us <= until_us}
        if len(ill) < n_nodes:
            continue
        if found and found[-1][1] == start_us:
            found[-1] = (found[-1][0], end_us)
        else:
            found.append((start_us, end_us))
    return found


def late_us(start_us, end_us, windows, slack_us):
    """How much too long an outage was; 0: it was within its right. slack_us: by how much the
    machine itself stood still meanwhile."""
    at_us, late = start_us, 0
    for window in windows:
        if window.until_us <= at_us or window.start_us >= end_us:
            continue
        late += lateness(at_us, min(window.start_us, end_us), start_us)
        at_us = max(at_us, window.until_us)
    late += lateness(at_us, end_us, start_us)
    return max(0, late - slack_us) if late else 0


def lateness(from_us, to_us, start_us):
    """Of a stretch outside of all windows: at its beginning an outage has what nothing at all is
    allowed; past a window's end there is no more."""
    allowed_us = PLANNED_US if from_us == start_us else 0
    return max(0, to_us - from_us - allowed_us)
