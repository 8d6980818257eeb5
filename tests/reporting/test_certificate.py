"""Sentences on bounds and certificates."""

from dataclasses import replace

from fairkd.evaluation.certificate import Certificate, Trial
from fairkd.evaluation.held import Held
from fairkd.record import Headline
from fairkd.reporting.certificate import certificate_lines, joint_lines
from fairkd.sweeps.joint import Joint, joint
from fairkd.sweeps.outcome import Outcome

WORDS = "largest difference of selection rate by sex"
HELD = {"gap": Held("selection_rate", "largest_difference", "sex", 0.05, {})}


def found(exceeds: float, smallest: float = 0.02) -> Certificate:
    trial = Trial(3, 0.85, -0.01, {"gap": 0.05 + exceeds}, exceeds)
    return Certificate(
        certified=trial.passes,
        epoch=3,
        confidence=0.95,
        rows=6513,
        rows_id="r",
        bounds={"gap": WORDS},
        smallest={"gap": smallest},
        thresholds={"gap": 0.05},
        tested=[trial],
    )


def outcome(certificate: Certificate, number: int = 0) -> Outcome:
    return Outcome(
        number=number,
        name="job",
        configuration=str(number),
        varied={},
        seeds={},
        metrics={"test/accuracy": 0.84, "test/disparity": 0.031, "test/holds": 1.0},
        headline=Headline("demographic_parity_difference", "sex"),
        control_validation={},
        teacher_validation={},
        run_id="",
        reused=False,
        certificate=certificate,
    )


def test_a_certified_student() -> None:
    assert list(certificate_lines(found(-0.004), HELD)) == [
        "certified at confidence 0.95 on 6,513 rows that neither trained nor selected: "
        f"{WORDS} at most 0.046 (asked for: 0.05); epoch 4, the most accurate of those that passed,"
        " of 1 candidate epoch"
    ]


def test_none_is_certified_and_none_could_be() -> None:
    first, second = certificate_lines(found(0.01, smallest=0.06), HELD)
    assert first == (
        "NOT certified at confidence 0.95 on 6,513 rows that neither trained nor selected: none of "
        f"1 candidate epoch passed; the closest, epoch 4, was kept: {WORDS} at most 0.060 (asked "
        "for: 0.05)"
    )
    assert second == (
        f"these rows can hardly certify {WORDS} within less than 0.060, however fair the student is"
    )


def test_what_a_sweep_may_choose() -> None:
    (line,) = joint_lines(joint([outcome(found(-0.004))]))
    assert line == (
        f"of 1 job tested on the same 6,513 rows ({WORDS} at most 0.05) job 0 may be chosen at "
        "confidence 0.95: test accuracy 0.840, gap 0.031 (1 of 1 candidate epochs passed in one "
        "sequence)"
    )
    (line,) = joint_lines(joint([outcome(found(0.004))]))
    assert line.endswith("none may be chosen at confidence 0.95")


def test_several_bounds_on_the_same_rows_are_no_choice() -> None:
    other = replace(found(-0.004), thresholds={"gap": 0.1})
    *_, last = joint_lines(joint([outcome(found(-0.004)), outcome(other, 1)]))
    assert last.startswith("each of these bounds is certified by itself: name one before you look")


def test_many_sequences_are_one_line() -> None:
    certificates = [replace(found(-0.004), rows_id=str(seed)) for seed in range(5)]
    many = joint(outcome(one, number) for number, one in enumerate(certificates))
    none = Joint(many[0].jobs, 1, 0, None)
    assert next(iter(joint_lines([*many, none]))) == (
        "certified, on 6 sets of rows and bounds by themselves: a student in 5 of 6; on test 5 of "
        "these 5 hold (certify/chosen in the table of jobs)"
    )
