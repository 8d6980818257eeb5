"""What ``fairkd --help`` prints."""

import textwrap
from pathlib import Path

HELP = """\
fairkd: train a teacher, distil a student under a fairness constraint, and see what that did to
each group of people, beside a control that was neither distilled nor constrained.

Start here
  fairkd experiment=debug                  the whole path in seconds, nothing to download
  fairkd experiment=quickstart             Adult by sex, under a minute (28 MB, fetched once)

Then
  fairkd data=arrests distillation=hint    other choices, from the groups below
  fairkd data=table data.path=my.csv data.label=hired data.groups=[gender]
                                           a table of your own; teacher=outputs: a teacher's answers
  fairkd distillation.temperature=2        any value, by its key
  fairkd -m distillation.temperature=1,2,4 constraint.weight=0,0.3,1
                                           a sweep: every combination, each a tracked run; alike
                                           jobs train as one program, the table has the best first
  fairkd sweep=temperature_x_weight        a sweep from the presets; any value can be given anew
  fairkd                                   the default job: Adult by sex and by race

Choices: fairkd GROUP=NAME, or GROUP=[NAME,NAME] for a group marked *
{groups}

Keys worth knowing
  distillation.temperature, .alpha   how soft the teacher's outputs are; how much they count
  distillation.start_epoch           labels first, distil from that epoch on
  distillation.init=teacher          start from a slice of the teacher's weights
  constraint.weight, .threshold      how strongly a gap between groups counts; how much is allowed
  constraint.statistic, .by          of which rate, between the groups of which attribute
  constraint.confidence=0.95         show the bound on rows that neither train nor select
  mitigation.by, .of, .weight        between which groups (mitigation=reweighing, adversarial, ...)
  compression.sparsity, .granularity which share goes (compression=prune); of weights, or of units
  baseline.threshold, .statistic     the same bound by Fairlearn (baseline=threshold_optimizer)
  data.groups=[sex,race,sex+race]    which attributes are measured
  replicate=0,1,2 | seed=0,1,2       with -m: repeat everything | the student alone
  force=student | force=all          train again what is kept in the store
  dry_run=true                       say what would be trained and what reused, and stop
  hydra.launcher.n_jobs=4            processes of a sweep; null: one for every 16 jobs

Results
  On the terminal: teacher, control and student side by side, and what changed for each group.
  mlflow.db, mlartifacts/   a tracked run for every job. See them: fairkd ui
  outputs/, multirun/       a folder for every job: its configuration, log and student
  fairkd report sweep=NAME  a sweep as one page that opens with the answer; format=latex for a paper
  fairkd check sweep=NAME "test/disparity<=0.05"
                            exit code 0 or 1: whether conditions hold of what was measured
  fairkd card sweep=NAME    a model card of the student to choose; also: card run=ID out=README.md
  fairkd register sweep=NAME name=MODEL
                            the best student into MLflow's registry, from where it is served
  fairkd export sweep=NAME out=student.onnx
                            it as a file for other programs, checked; also: export run=ID
  fairkd predict sweep=NAME data.path=new.csv out=scores.csv
                            its probabilities and decisions for new rows
  store/                    trained models and finished jobs. The same job again is answered from
                            here; after an interruption the same command goes on from here.

Show
  fairkd --cfg job          the whole configuration with its values; a comment for every key is in
                            {folder}
  fairkd data list          the data sets
  fairkd data fetch NAME    fetch one ahead of time
  fairkd data describe data=NAME
                            what one holds: columns, groups, base rates, small cells
  fairkd store list         what is kept; also: store verify, store gc --limit 5GB
  fairkd --hydra-help       Hydra's own options (-m, --config-dir, --info, ...)
  fairkd --version | --help

Where a sentence is not enough, HYDRA_FULL_ERROR=1 shows the traceback.
"""

_COMPOSABLE = ("distillation", "constraint", "mitigation", "compression", "augmentation")
_ORDER = ("experiment", "data", "teacher", "student", *_COMPOSABLE[:4], "baseline", "augmentation")
_NOT_CHOSEN = ("base", "hydra", "paths")
_WIDTH = 100


def help_text() -> str:
    """The page, with the choices that are there."""
    from fairkd.commands.configuration import config_folder

    folder = config_folder()
    groups = {path.name: path for path in folder.iterdir() if any(path.glob("*.yaml"))}
    chosen = [name for name in groups if name not in _NOT_CHOSEN]
    ordered = sorted(chosen, key=lambda name: (_place(name), name))
    return HELP.format(groups="\n".join(_line(groups[name]) for name in ordered), folder=folder)


def _place(group: str) -> int:
    return _ORDER.index(group) if group in _ORDER else len(_ORDER)


def _line(group: Path) -> str:
    names = sorted(file.stem for file in group.glob("*.yaml"))
    mark = "*" if group.name in _COMPOSABLE else " "
    return textwrap.fill(
        ", ".join(names),
        width=_WIDTH,
        initial_indent=f"  {group.name:<13}{mark} ",
        subsequent_indent=" " * 17,
        break_on_hyphens=False,
    )
