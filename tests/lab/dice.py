"""What is broken when, drawn from a seed. Nothing here looks at a lab."""

import dataclasses
import random

from excuse import RISE_US
from havoc import CLUSTER, COVERED, ROWS, Row

SHOWS_US = 300_000  # past a bound, when what it is for has been seen
RANKS = 24  # a multiple of how many standbys there may be


@dataclasses.dataclass(frozen=True)
class Draw:
    """One fault to come."""
    row: Row
    where: str     # of row.where; who that is turns out when it happens
    rank: int      # which of several it is
    after_us: int  # from the episode's beginning
    span_us: int   # until it is healed


@dataclasses.dataclass(frozen=True)
class Episode:
    """Some faults, and what comes after."""
    draws: tuple
    calm: bool      # then everything has to come to rest
    pause_us: int   # then, until the next episode


def edge_us(random_, timing):
    """A time at one of the edges, often; or very short, or anything."""
    kind = random_.random()
    if kind < 0.55:
        return max(1000, int(random_.choice(timing.edges_us()) + random_.gauss(0, 60_000)))
    if kind < 0.75:
        return random_.randint(1_000, 300_000)
    return random_.randint(300_000, 2 * timing.ttl_us + 1_000_000)


def after_us(random_, timing):
    """When a further fault comes: at once, at an edge of the first one, some time later."""
    kind = random_.random()
    if kind < 0.35:
        return random_.randint(0, 50_000)
    if kind < 0.85:
        return edge_us(random_, timing)
    return random_.randint(0, 2 * timing.ttl_us)


def draw(random_, timing, rows, is_first):
    row = random_.choices(rows, [row.weight for row in rows])[0]
    span_us = edge_us(random_, timing)
    if row.span_s:
        span_us = int(random_.uniform(*row.span_s) * 1e6)
    after = after_us(random_, timing)
    return Draw(row, random_.choice(row.where), random_.randrange(RANKS), 0 if is_first else after,
                span_us)


def once(random_, timing, row):
    """The row on whom it hits hardest, for as long as it takes to show, and alone: what comes next
    comes when nothing of it is left that could excuse anything."""
    span_us = row.bound(timing, timing.death_us) + SHOWS_US
    if row.span_s:
        span_us = min(max(span_us, int(row.span_s[0] * 1e6)), int(row.span_s[1] * 1e6))
    drawn = Draw(row, row.where[0], random_.randrange(RANKS), 0, span_us)
    # while no node is able to hold, and for a while after, nobody owes the service
    owed_us = timing.back_us if CLUSTER == row.where else 0
    return Episode((drawn,), True, RISE_US + owed_us)


def each(seed, timing, only=None):
    """Every row that no scenario has, or those that are named, once; in an order of the seed's."""
    random_ = random.Random(seed)
    rows = [row for row in ROWS if (row.name not in COVERED if only is None else row.name in only)]
    random_.shuffle(rows)
    return [once(random_, timing, row) for row in rows]


def episodes(seed, timing, only=None):
    """Episodes without end, the same for the same seed and timing. only: names of rows."""
    random_ = random.Random(seed)
    rows = [row for row in ROWS if only is None or row.name in only]
    while True:
        n_draws = random_.choices((1, 2, 3), (50, 35, 15))[0]
        draws = tuple(draw(random_, timing, rows, i == 0) for i in range(n_draws))
        calm, pause_us = random_.random() < 0.6, random_.randint(0, 3_000_000)
        yield Episode(draws, calm, 0 if calm else pause_us)
