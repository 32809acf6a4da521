"""Isoconfigurational ensembles of many boxes at once, on a GPU.

One batch holds B periodic boxes and up to 32 trajectories of each. Arrays are [N_total, 3, R] with
the R trajectories contiguous, so that one pair of particles is computed for all trajectories by
one warp, one neighbour list serves them all, and every load is full lines of memory.

- ``system.py``: what does not change in a run, as tensors; particles along a Morton curve.
- ``walls.py``: cages of particles.
- ``lists.py``: a union Verlet list, padded, with the order of its rows.
- ``interface.py``: what a batch asks of its kernels.
- ``plain.py``, ``noise.py``: lists, forces and steps in PyTorch: the oracle, on CPU or GPU.
- ``kernels.py``, ``language/``: the same in Triton.
- ``moving.py``: displacements and velocities, and why nothing of them is lost.
- ``two_lists.py``: when the outer and the inner list are made, and that they are large enough.
- ``stretches.py``: stretches of steps, checked afterwards and repeated where a list was outrun.
- ``graphs.py``: stretches as CUDA graphs.
- ``batch.py``: the run, with states, energies and the watch over them.
- ``engine.py``: one box as the engine ``ensemble``.
- ``targets.py``: targets summed on the device as frames arrive.
"""
