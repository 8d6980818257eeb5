import math

import methods_page
from compare_methods import PARTS, SETS


def _numbers(*worst: float) -> dict[str, dict[str, float]]:
    return {
        str(seed): {"accuracy": 0.9, "worst group": value, "gap": 0.1, "fidelity": 0.8}
        for seed, value in enumerate(worst)
    }


FOUND = {
    "methods": {
        "soft_targets": _numbers(0.5, 0.6, 0.7),
        "hint": _numbers(0.8, 0.9, 0.7),
        "odd": _numbers(math.nan, math.nan, math.nan),
    },
    "refused": {"attention": "It has no places."},
    "teacher": _numbers(0.9, 0.9, 0.9),
    "control": _numbers(0.4, 0.6, 0.8),
}


def _row(text: str, name: str) -> list[str]:
    (line,) = [line for line in text.splitlines() if line.startswith(f"| {name} ")]
    return [cell.strip() for cell in line.strip("|").split("|")]


def test_a_page_has_means_with_intervals_and_pairs_by_repetition():
    text = methods_page.page({"iris": FOUND, "time": {"iris": {"hint": 0.25}}}, PARTS, SETS)
    # Three repetitions: t(0.975, 2) = 4.303, and sd 0.1 / sqrt(3).
    assert _row(text, "`soft_targets`")[2] == "0.600 ± 0.248"
    # 0.1, 0.0 and -0.1 more than the control.
    assert _row(text, "`soft_targets`")[3] == "+0.000 ± 0.248"
    # 0.4, 0.3 and -0.1 more: mean 0.2, sd 0.2646.
    assert _row(text, "`hint`")[3] == "+0.200 ± 0.657"
    assert _row(text, "`hint`")[-1] == "0.250"
    assert _row(text, "`odd`")[2] == "undefined"
    assert _row(text, "*control*")[2] == "0.600 ± 0.497"
    assert text.index("| `hint`") < text.index("| `soft_targets`") < text.index("| `odd`")
    assert "- `attention`: It has no places." in text
    assert "over 3 repetitions" in " ".join(text.split()).replace("over\n", "over ")


def test_teachers_are_compared_pair_by_pair():
    one = {**FOUND, "methods": {"soft_targets": _numbers(0.5, 0.6, 0.7)}}
    other = {**FOUND, "methods": {"soft_targets": _numbers(0.6, 0.7, 0.8)}}
    kept = {"biased teachers": one, "balanced teachers": other}
    text = methods_page.page(kept, PARTS, SETS)
    assert "- balanced teachers minus biased teachers: +0.100 ± 0.000" in text
    assert "## Iris" not in text
