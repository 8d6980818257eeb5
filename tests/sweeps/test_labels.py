from fairkd.sweeps.labels import columns, labels, short_names


def test_temperature_and_weight_have_their_letters():
    varied = [
        {"distillation.temperature": 4.0, "constraint.weight": 0.3},
        {"distillation.temperature": 1, "constraint.weight": 0},
    ]
    assert columns(varied) == {"T": ["4", "1"], "w": ["0.3", "0"]}
    assert labels(varied) == ["T=4, w=0.3", "T=1, w=0"]


def test_names_are_the_shortest_that_nothing_else_shares():
    keys = [
        "trainer.optimizer.lr",
        "trainer.max_epochs",
        "teacher.trainer.max_epochs",
        "constraint.weight",
        "constraint.terms.equal_opportunity.weight",
        "student._target_",
    ]
    assert list(short_names(keys).values()) == [
        "lr",
        "trainer.max_epochs",
        "teacher.trainer.max_epochs",
        "w",
        "equal_opportunity.weight",
        "student",
    ]


def test_a_letter_that_something_else_is_called_is_not_used():
    keys = ["distillation.temperature", "student.T"]
    assert list(short_names(keys).values()) == keys


def test_terms_that_only_some_have_stand_in_one_column():
    hint, soft = (f"distillation.terms.{name}._target_" for name in ("hint", "soft_targets"))
    varied = [
        {hint: None, soft: "fairkd.distillation.response.SoftTargets"},
        {hint: "fairkd.distillation.feature.Hint", soft: None},
        {
            hint: "fairkd.distillation.feature.Hint",
            soft: "fairkd.distillation.response.SoftTargets",
        },
        {hint: None, soft: None},
    ]
    assert columns(varied) == {"distillation": ["soft_targets", "hint", "hint+soft_targets", "-"]}


def test_what_follows_from_the_terms_has_no_column():
    hint, soft = (f"distillation.terms.{name}._target_" for name in ("hint", "soft_targets"))
    schedule = "distillation.terms.soft_targets.schedule._target_"
    t, alpha = "distillation.temperature", "distillation.alpha"
    varied: list[dict[str, object]] = [
        {soft: "S", schedule: "s", t: 4.0, alpha: 0.9, "seed": 0},
        {soft: "S", schedule: "s", t: 2.0, alpha: 0.9, "seed": 1},
        {hint: "H", t: None, alpha: None, "seed": 1},
    ]
    assert columns(varied) == {
        "distillation": ["soft_targets", "soft_targets", "hint"],
        "T": ["4", "2", "null"],
        "seed": ["0", "1", "1"],
    }


def test_a_term_whose_class_changes_shows_the_class():
    key = "distillation.terms.soft_targets._target_"
    assert columns([{key: "a.B"}, {key: "c.D"}, {key: None}]) == {
        "distillation.terms.soft_targets": ["B", "D", "null"]
    }


def test_numbers_lose_only_digits_that_do_not_tell_them_apart():
    assert columns([{"a": 0.123456789}, {"a": 0.2}]) == {"a": ["0.1235", "0.2"]}
    assert columns([{"a": 0.123456789}, {"a": 0.12345678}]) == {"a": ["0.12345679", "0.12345678"]}
    assert columns([{"a": 16384.0}, {"a": 1e-5}, {"a": True}, {"a": None}]) == {
        "a": ["16384", "1e-05", "true", "null"]
    }


def test_nothing_varied():
    assert columns([]) == {}
    assert labels([{}, {}]) == ["", ""]
