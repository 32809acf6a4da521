"""Lists, forces and steps as Triton kernels; ``kernels.py`` launches them.

One program does a few particles in all of their trajectories: a *tile* [particles, R]. The R
trajectories of a particle lie side by side in memory, so that a warp reads whole lines wherever
its neighbours are. Lists are [K, N]: the k-th neighbours of a tile's particles are side by side
too. No program writes what another reads in the same launch: displacements are read from one
buffer and written to another, and there are no atomics.

- ``tiles.py``: which particles a program does, and where they are.
- ``forces.py``: of the pairs in the rows, and of walls.
- ``noise.py``: the thermostat's random numbers.
- ``step.py``: forces alone, and a timestep.
- ``lists.py``: the rows of both lists, and how far particles have come.
"""
