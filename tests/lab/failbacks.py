"""Back to a node that ranks better, unless a person has chosen; moved often, not at once."""

from netns import now_us, wait_for
from operators import last_move, switch_over
from reloads import change, changed
from scenarios import check_bound, scenario
from story import PLANNED_US

DELAY_S, STABLE_S = 2, 1
DAMPED_S = 10  # at the first move that is damped
FAILBACK = f"failback: {{mode: auto, delay: {DELAY_S}s, stable: {STABLE_S}s}}\n"


def fall_ill(story):
    """The holder's Document Server refuses; it moves. Returns the holder before."""
    ill = story.holder
    fault_us = story.faults.standin(ill, "refuse")
    story.holder = story.expect_move(fault_us, check_bound("docservice"))
    return ill


@scenario
def failback(story):
    """The best node falls ill, is well again, has the address back. Then a person moves it."""
    story.begin()
    best = story.holder
    with changed(story, *story.lab.nodes):
        for node in story.lab.nodes:
            change(story, node, ("flap:", FAILBACK + "flap:"),
                   ("priority: 100", f"priority: {200 if node is best else 100}"))
        fall_ill(story)
        left_us = now_us()
        story.faults.standin(best, "true")
        wait_for(lambda: not story.lab.ineligible(), check_bound("docservice") / 1e6 + 5,
                 f"{best.name} is eligible")
        well_us = now_us()
        back = story.expect_move(well_us, (DELAY_S + STABLE_S) * 1_000_000 + PLANNED_US)
        story.check(back is best, f"it went to {back.name}, not back to {best.name}")
        story.check(story.served_us - left_us >= (DELAY_S - 0.5) * 1e6 and
                    story.served_us - well_us >= (STABLE_S - 0.5) * 1e6,
                    f"it went back {(story.served_us - well_us) / 1000:.0f} ms after it was well")
        move = last_move(story)
        story.check(move["cause"] == "failback", f"the history says {move['cause']}")

        story.holder = best
        chosen, asked = sorted(story.standbys(), key=lambda node: node.name)
        switch_over(story, asked, chosen)
        story.holder = chosen
        story.expect_stay(now_us(), DELAY_S + STABLE_S + 1)
        story.faults.kill(chosen, "agent")  # the next one adopts: it is still where it was put
        story.faults.start(chosen, "agent")
        story.expect_stay(now_us(), DELAY_S + STABLE_S + 1)


@scenario
def damped(story):
    """Two nodes fall ill in turn: the second move waits until the first was well for 10 s."""
    for node in story.lab.nodes:  # they count moves of before
        story.faults.kill(node, "agent")
        story.faults.start(node, "agent")
    story.lab.await_settled()
    story.begin()
    with changed(story, *story.lab.nodes):
        for node in story.lab.nodes:
            change(story, node, ("moves: 0", "moves: 1"))
        third = story.standbys()[1]
        story.faults.standin(third, "refuse")
        wait_for(lambda: story.lab.ineligible() == [third], check_bound("docservice") / 1e6 + 5,
                 f"{third.name} is not eligible")
        first = fall_ill(story)
        second = story.holder
        story.faults.standin(first, "true")
        wait_for(lambda: story.lab.ineligible() == [third], check_bound("docservice") / 1e6 + 5,
                 f"{first.name} is eligible")
        well_us = now_us()
        story.kinds.remove("http")  # which nobody serves while it waits
        story.faults.standin(second, "refuse")
        words = (f"damped: 1 moves in 10m; the next one waits until {first.name} has been "
                 f"eligible for {DAMPED_S}s")
        wait_for(lambda: any(words in problem for problem in story.lab.status(second)[1][
            "problems"]), 5, f"the status of {second.name} says '{words}'")
        target = story.expect_move(well_us, DAMPED_S * 1_000_000 + 2 * PLANNED_US)
        story.check(target is first, f"it went to {target.name}, not to {first.name}")
        story.check(story.served_us - well_us >= (DAMPED_S - 0.5) * 1e6,
                    f"it went {(story.served_us - well_us) / 1000:.0f} ms after it was well")
        story.check(story.ears.count(second, ".*: damped: ") == 1,
                    f"{second.name} says {story.ears.said(second, 'damped')}")
