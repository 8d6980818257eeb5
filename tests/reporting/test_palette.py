import subprocess
import sys

from fairkd.reporting import palette


def test_things_of_one_colour_differ_in_mark_line_and_pattern():
    for mark in (palette.symbol, palette.dash, palette.pattern):
        looks = [(palette.colour(n), mark(n)) for n in range(36)]
        assert len(set(looks)) == 36


def test_further_models_have_places_of_their_own_after_the_trio():
    models = ["teacher", "control", "student", "pruned", "quantised"]
    assert len({palette.model_place(model, models) for model in models}) == 5
    assert palette.model_place("student", models) == palette.model_place("student", ["student"])


def test_a_runs_pictures_share_it_without_loading_what_draws_a_reports_figures():
    code = "import sys, fairkd.reporting.pictures.gallery; print('plotly' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "False\n"
