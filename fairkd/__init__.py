"""Fairness-aware knowledge distillation, tracked and compared.

What did distillation do to each group of people, and what does it cost to keep that within a bound?
Importing this package imports nothing heavy; each room is imported where it is used.
"""

import sys
from pathlib import Path

__version__ = "0.1.0"

# Hydra looks for plugins in a folder named hydra_plugins anywhere on the path.
_PLUGINS = str(Path(__file__).parent / "_plugins")
if _PLUGINS not in sys.path:
    sys.path.append(_PLUGINS)
