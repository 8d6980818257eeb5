"""Train many models of one architecture as one program.

A stack keeps its members' weights side by side, along a leading axis, and steps them together:
``torch.func.vmap`` runs the same objective that trains a lone model, over all members at once. What
may differ between members: every hyperparameter that is a tensor (temperature, weights,
thresholds), every option of the optimiser, the seed, the teacher and the data set's split.

`train_together` is the way in. It sorts members that are alike into stacks, no larger than memory
allows, and trains the rest one by one.

With exact kernels a member ends with the bits that it would have ended with alone. That holds
because batched matrix products on a CPU round like single ones; since no document promises it,
every stack compares its first gradients with lone ones and refuses to start where a bit differs.
"""
