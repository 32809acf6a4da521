"""Isoconfigurational ensembles of many boxes at once, on a GPU.

One batch holds B periodic boxes and up to 32 trajectories of each. Arrays are [N_total, 3, R] with
the R trajectories contiguous, so that one pair of particles is computed for all trajectories by
one warp, one neighbour list serves them all, and every load is full lines of memory.

- ``system.py``: what does not change in a run, as tensors; particles along a Morton curve.
- ``lists.py``: union Verlet lists, padded, with the order of their rows.
- ``plain.py``, ``noise.py``: lists, forces and steps in PyTorch: the oracle, on CPU or GPU.
- ``kernels.py``: the same in Triton.
- ``exchange.py``: what is of one box, in its caller's order.
- ``batch.py``: stretches of steps, checked afterwards and repeated where a list was outrun.
- ``engine.py``: one box as the engine ``ensemble``.
- ``targets.py``: targets summed on the device as frames arrive.
"""
