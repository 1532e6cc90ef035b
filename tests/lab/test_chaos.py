#!/usr/bin/python3
"""The arithmetic and the dice of the chaos runner."""

import itertools
import json
import pathlib
import sys
import tempfile
import types
import unittest

sys.dont_write_bytecode = True

import dice  # noqa: E402
from excuse import PLANNED_US, RISE_US, Span, Timing, late_us, merge, unable, with_silences  # noqa: E402
from havoc import COVERED, ROWS  # noqa: E402
from netns import LabError, name_of, told  # noqa: E402
from process import Process  # noqa: E402
import run  # noqa: E402
from story import Story  # noqa: E402
from watch import NEVER_US, Watch  # noqa: E402

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


class Outage(unittest.TestCase):
    """What a client's time line says of how long it was away."""

    def watch(self, *lines):
        directory = tempfile.TemporaryDirectory()
        self.addCleanup(directory.cleanup)
        log = pathlib.Path(directory.name) / "client"
        log.write_text("".join(json.dumps({"kind": "echo", **line}) + "\n" for line in lines))
        watch = Watch(None, directory.name, ["vip"], ["vip"])
        watch.clients["vip"] = Process("client", 0, 0, log)
        return watch

    @staticmethod
    def gap(start_us, end_us):
        return {"event": "gap", "start_us": start_us, "t_us": end_us}

    @staticmethod
    def end(start_us, end_us):
        return {"event": "end", "start_us": start_us, "t_us": end_us, "open_us": end_us - start_us}

    def test_the_longest_since_then_counts_and_only_what_of_it_is_since_then(self):
        watch = self.watch(self.gap(0, 90), self.gap(100, 120), self.gap(200, 230), self.end(500, 501))
        self.assertEqual(watch.outage_us("vip", "echo", 100), 30)
        self.assertEqual(watch.outage_us("vip", "echo", 80), 30)
        self.assertEqual(watch.outage_us("vip", "echo", 40), 50)

    def test_one_that_lasts_at_the_end_counts(self):
        watch = self.watch(self.gap(100, 120), self.end(200, 900))
        self.assertEqual(watch.outage_us("vip", "echo", 0), 700)

    def test_one_that_began_in_time_counts_whole_and_a_later_one_does_not(self):
        watch = self.watch(self.gap(100, 400), self.gap(500, 900), self.end(901, 902))
        self.assertEqual(watch.outage_us("vip", "echo", 0, 150), 300)

    def test_a_client_that_was_never_served_was_away_for_ever(self):
        watch = self.watch({"event": "end", "start_us": 0, "t_us": 9, "open_us": -1})
        self.assertEqual(watch.outage_us("vip", "echo", 8), NEVER_US)


class Stay(unittest.TestCase):
    """What a story makes of a client that is away when a stay ends, and comes back much later."""

    def problems(self, *lines):
        watch = Outage.watch(self, *lines)
        watch.verdict, watch.stop, watch.doubles = 0, lambda: None, lambda: []
        story = Story(types.SimpleNamespace(options=types.SimpleNamespace(ttl_ms=3000)), None)
        story.watch, story.kinds, story.served_us = watch, ["echo"], 10 * S
        story.stays.append(("vip", "echo", 0, 2 * S, PLANNED_US))
        story.end()
        return story.problems

    def test_an_outage_that_began_in_the_stay_is_measured_to_its_end(self):
        lines = [Outage.gap(1 * S, 9 * S), Outage.end(20 * S, 20 * S)]
        self.assertEqual(len(self.problems(*lines)), 1)

    def test_an_outage_that_began_later_is_another_matter(self):
        self.assertEqual(self.problems(Outage.gap(3 * S, 9 * S), Outage.end(20 * S, 20 * S)), [])

    def test_an_outage_that_lasts_at_the_end_fails_the_story(self):
        self.assertEqual(len(self.problems(Outage.end(11 * S, 12 * S))), 1)


class Safety(unittest.TestCase):
    """What may run once more: a story in which no second holder was seen."""

    @staticmethod
    def story(verdict, doubles, pinned=False):
        story = Story(types.SimpleNamespace(options=types.SimpleNamespace(ttl_ms=3000)), None)
        story.watch = types.SimpleNamespace(verdict=verdict)
        story.doubles, story.pinned = doubles, pinned
        return story

    def test_a_double_or_a_judge_that_did_not_judge_is_not_safe(self):
        self.assertTrue(self.story(0, []).is_safe())
        self.assertFalse(self.story(1, []).is_safe())
        self.assertFalse(self.story(0, [{"double_answer": 1}]).is_safe())
        self.assertFalse(self.story(0, None).is_safe())
        self.assertFalse(self.story(None, []).is_safe())

    def test_addresses_that_were_made_to_stay_are_no_doubles(self):
        self.assertTrue(self.story(1, [], pinned=True).is_safe())
        self.assertTrue(self.story(0, [], pinned=True).is_safe())
        self.assertFalse(self.story(1, [{"double_answer": 1}], pinned=True).is_safe())
        self.assertFalse(self.story(2, [], pinned=True).is_safe())


class Told(unittest.TestCase):
    """What a run says of its own mistakes."""

    def test_a_lab_error_is_told_in_its_own_words(self):
        self.assertEqual(told(LabError("no lab")), "no lab")

    def test_all_else_is_told_with_its_type_and_where_it_came_from(self):
        try:
            {}["key"]
        except KeyError as error:
            self.assertRegex(told(error), r"^KeyError: 'key' \(test_chaos.py:\d+: {}\[.key.\]\)$")


class Dice(unittest.TestCase):
    """What is drawn."""

    def test_the_same_seed_draws_the_same(self):
        def first(seed):
            return list(itertools.islice(dice.episodes(seed, TIMING), 50))
        self.assertEqual(first(7), first(7))
        self.assertNotEqual(first(7), first(8))

    def test_each_row_that_no_scenario_has_comes_up_once_alone_and_long_enough_to_show(self):
        episodes = dice.each(1, TIMING)
        names = [row.name for row in ROWS if row.name not in COVERED]
        self.assertEqual(sorted(e.draws[0].row.name for e in episodes), sorted(names))
        self.assertNotEqual([e.draws[0].row.name for e in episodes], names)
        for episode in episodes:
            (draw,) = episode.draws
            shows_us = draw.row.bound(TIMING, TIMING.death_us)
            self.assertTrue(episode.calm)
            self.assertGreaterEqual(episode.pause_us, RISE_US)  # from when on it counts as alone
            self.assertGreaterEqual(draw.span_us, 0 if draw.row.span_s else shows_us)

    def test_those_that_are_named_come_up_once_covered_or_not(self):
        episodes = dice.each(1, TIMING, ["power", "mute"])
        self.assertEqual(sorted(e.draws[0].row.name for e in episodes), ["mute", "power"])

    def test_a_row_that_counts_as_covered_is(self):
        scenarios = {name_of(function) for function in run.SCENARIOS}
        self.assertEqual(set(COVERED) - {row.name for row in ROWS}, set())
        self.assertEqual(set(COVERED.values()) - scenarios, set())

    def test_every_row_comes_up(self):
        drawn = {draw.row.name for episode in itertools.islice(dice.episodes(1, TIMING), 500)
                 for draw in episode.draws}
        self.assertEqual(drawn, {row.name for row in ROWS})

    def test_names_are_given_once(self):
        names = [row.name for row in ROWS]
        self.assertEqual(len(names), len(set(names)))


if __name__ == "__main__":
    unittest.main(verbosity=2)
