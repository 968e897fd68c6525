import pytest

from harness.target.tables.pace import BUDGET_S, Pace

SLOW = Pace(export_s=5)


def test_a_backend_of_which_nothing_is_said_is_judged_as_ever() -> None:
    pace = Pace()
    assert pace.amount(200, fewest=10) == 200
    assert pace.wait_s(20, exports=100) == 20
    assert pace.poll_s(0.03) == 0.03
    assert pace.reaches(3, of=4)


def test_a_slow_backend_makes_as_many_as_fit() -> None:
    assert SLOW.amount(200) == 9
    assert Pace(export_s=5, at_once=4).amount(200) == 36
    assert SLOW.amount(200, fewest=10) == 10
    assert SLOW.amount(4) == 4
    assert Pace(export_s=600).amount(200) == 1
    assert "10 exports instead of 200" in SLOW.reason(10, 200)


def test_a_slow_backend_has_longer() -> None:
    assert SLOW.seconds_for(3) == 15
    assert Pace(export_s=5, at_once=2).seconds_for(3) == 10
    assert SLOW.wait_s(20) > SLOW.seconds_for(20)
    assert SLOW.poll_s(0.03) == 0.5
    assert not SLOW.reaches(3, of=10)
    assert Pace(export_s=5, at_once=4).reaches(3, of=10)
    assert not Pace(export_s=5, at_once=4).reaches(3, of=2)


@pytest.mark.parametrize("usual", [1, 8, 200])
@pytest.mark.parametrize("fewest", [1, 10, 300])
@pytest.mark.parametrize("export_s", [0.01, 0.7, 5, 1000])
@pytest.mark.parametrize("at_once", [1, 7])
def test_amounts_are_bounded(usual: int, fewest: int, export_s: float, at_once: int) -> None:
    pace = Pace(export_s=export_s, at_once=at_once)
    made = pace.amount(usual, fewest=fewest)
    assert 1 <= made <= usual
    assert made >= min(usual, fewest)
    assert made <= fewest or pace.seconds_for(made) <= BUDGET_S * 1.000001
