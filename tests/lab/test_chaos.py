#!/usr/bin/python3
"""The arithmetic and the dice of the chaos runner."""

import itertools
import sys
import unittest

sys.dont_write_bytecode = True

import dice  # noqa: E402
from excuse import PLANNED_US, Span, Timing, late_us, merge, unable, with_silences  # noqa: E402
from havoc import ROWS  # noqa: E402

S = 1_000_000
TIMING = Timing(3000)


def change(at_s, bound_s, moves=True):
    """A change of its own source."""
    return Span(int(at_s * S), int(at_s * S), int(bound_s * S), moves, object())


def ends(windows):
    return [(window.start_us / S, window.until_us / S) for window in windows]


class Excuse(unittest.TestCase):
    """What is within its right, and what is late."""

    def test_the_timing_is_that_of_the_design(self):
        self.assertEqual(TIMING.hold_us, 2_350_000)
        self.assertEqual(TIMING.survives_us, 1_950_000)
        self.assertEqual(TIMING.armed_us, 500_000)
        self.assertEqual(Timing(10_000).armed_us, 3_500_000)
        self.assertEqual(TIMING.death_us, 3_500_000)
        self.assertEqual(TIMING.check_us("docservice", hangs=True), 4_100_000)

    def test_changes_apart_have_a_window_each(self):
        windows = merge([change(9, 1), change(0, 3.5)], TIMING)
        self.assertEqual(ends(windows), [(0, 3.5), (9, 10)])

    def test_a_fault_in_a_window_may_cost_a_takeover_more(self):
        # the node that was about to help dies just before, and its death shows later
        self.assertEqual(ends(merge([change(0, 3.5), change(3, 3.5)], TIMING)), [(0, 7)])
        # what was under way takes longer than it takes to see that the node is dead
        self.assertEqual(ends(merge([change(0, 12), change(1, 3.5)], TIMING)), [(0, 12)])
        self.assertEqual(ends(merge([change(0, 12), change(8, 3.5)], TIMING)), [(0, 15)])

    def test_a_planned_move_to_a_node_that_dies_is_a_takeover(self):
        self.assertEqual(ends(merge([change(0, 0.1), change(0.05, 3.5)], TIMING)), [(0, 3.6)])

    def test_what_moves_nothing_lengthens_no_window(self):
        windows = merge([change(0, 3.5), change(3, 0.1, moves=False)], TIMING)
        self.assertEqual(ends(windows), [(0, 3.5)])
        windows = merge([change(0, 3.5), change(3.45, 0.1, moves=False)], TIMING)
        self.assertEqual(ends(windows), [(0, 3.55)])

    def test_a_short_silence_of_etcd_excuses_nothing_by_itself(self):
        self.assertEqual(with_silences([], [(0, S)], TIMING), [])
        windows = with_silences([change(0, 0.3, moves=False)], [(0, S)], TIMING)
        self.assertEqual(ends(windows), [(0, 0.3)])

    def test_a_short_silence_of_etcd_holds_up_a_move(self):
        windows = with_silences([change(2, 3.5)], [(5 * S, 6 * S)], TIMING)
        self.assertEqual(ends(windows), [(2, 9.5)])
        windows = with_silences([change(1, 0.1)], [(int(0.5 * S), 2 * S)], TIMING)
        self.assertEqual(ends(windows), [(0.5, 5.5)])

    def test_a_long_silence_of_etcd_takes_the_service_away_by_right(self):
        self.assertEqual(ends(with_silences([], [(S, 5 * S)], TIMING)), [(1, 9)])

    def test_an_outage_within_a_window_is_not_late(self):
        windows = merge([change(1, 3.5)], TIMING)
        self.assertEqual(late_us(S, 4_500_000, windows, 0), 0)
        self.assertEqual(late_us(S - PLANNED_US, 4_500_000, windows, 0), 0)

    def test_an_outage_past_its_window_is_late_by_that(self):
        windows = merge([change(1, 3.5)], TIMING)
        self.assertEqual(late_us(S, 4_500_001, windows, 0), 1)
        self.assertEqual(late_us(S, 4_700_000, windows, 50_000), 150_000)

    def test_an_outage_long_before_its_window_is_late(self):
        self.assertEqual(late_us(0, 2 * S, merge([change(1, 3.5)], TIMING), 0), S - PLANNED_US)

    def test_an_outage_without_a_window_is_late_but_for_what_nothing_is_allowed(self):
        self.assertEqual(late_us(0, PLANNED_US, [], 0), 0)
        self.assertEqual(late_us(0, PLANNED_US + 7, [], 0), 7)

    def test_an_outage_between_two_windows_is_late(self):
        windows = merge([change(0, 1), change(2, 1)], TIMING)
        self.assertEqual(late_us(0, 3 * S, windows, 0), S)

    def test_the_service_is_not_owed_while_no_node_is_able(self):
        faults = [("a", 0, 5), ("b", 3, 9), ("a", 7, 8)]
        self.assertEqual(unable(faults, 2), [(3, 5), (7, 8)])
        self.assertEqual(unable(faults, 3), [])


class Dice(unittest.TestCase):
    """What is drawn."""

    def test_the_same_seed_draws_the_same(self):
        def first(seed):
            return list(itertools.islice(dice.episodes(seed, TIMING), 50))
        self.assertEqual(first(7), first(7))
        self.assertNotEqual(first(7), first(8))

    def test_every_row_comes_up(self):
        drawn = {draw.row.name for episode in itertools.islice(dice.episodes(1, TIMING), 500)
                 for draw in episode.draws}
        self.assertEqual(drawn, {row.name for row in ROWS})

    def test_names_are_given_once(self):
        names = [row.name for row in ROWS]
        self.assertEqual(len(names), len(set(names)))


if __name__ == "__main__":
    unittest.main(verbosity=2)
