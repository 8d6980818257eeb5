"""What ``fairkd --help`` prints."""

HELP = """\
fairkd: train a teacher, distil a student under a fairness constraint, and see what that did to
each group of people, beside an undistilled control.

  fairkd                                   one job, as configured (Adult by sex and race)
  fairkd experiment=quickstart             a minute on Adult; also: iris, debug
  fairkd data=arrests distillation=hint    other choices, from the groups below
  fairkd distillation.temperature=2        any value, by its key
  fairkd -m distillation.temperature=1,2,4 constraint.weight=0,0.3,1
                                           a sweep: every combination, each a tracked run

Choices (fairkd GROUP=NAME; NAMEs compose as GROUP=[a,b] for the two marked *)
{groups}

Keys worth knowing
  distillation.temperature, .alpha   how soft the teacher's outputs are; how much they count
  distillation.start_epoch           labels first, distil from that epoch on
  distillation.init=teacher          start from a slice of the teacher's weights
  constraint.weight, .threshold      how strongly a gap between groups counts; how much is allowed
  constraint.statistic, .by          of which rate, between the groups of which attribute
  data.groups=[sex,race,sex+race]    which attributes are measured
  replicate=0,1,2 | seed=0,1,2       repeat everything | the student alone
  force=student | all                train again what is kept in the store
  dry_run=true                       say what would be trained and what reused, and stop

Show
  fairkd --cfg job       the whole configuration, with a comment-free value for every key
  fairkd --help          this page
  fairkd --hydra-help    Hydra's own options (-m, --config-dir, --info, ...)
  fairkd --version

Other commands
  fairkd data list       the data sets by name
  fairkd data fetch NAME fetch one ahead of time

Results: every job writes a run to MLflow (make ui, or: mlflow ui) and a folder under outputs/ or
multirun/. Trained models are kept in store/ and reused. A sentence goes wrong? HYDRA_FULL_ERROR=1
shows the traceback. The files behind all keys: {folder}
"""

_COMPOSABLE = ("distillation", "constraint")
_INTERNAL = ("hydra", "paths", "evaluation")


def help_text() -> str:
    """The page, with the choices that are there."""
    from fairkd.commands.configuration import config_folder

    folder = config_folder()
    lines = []
    for group in sorted(path for path in folder.iterdir() if path.is_dir()):
        if group.name in _INTERNAL or group.name.startswith("__"):
            continue
        names = sorted(file.stem for file in group.glob("*.yaml") if file.stem != "base")
        mark = "*" if group.name in _COMPOSABLE else " "
        lines.append(f"  {group.name:<13}{mark} {', '.join(names)}")
    return HELP.format(groups="\n".join(lines), folder=folder)
