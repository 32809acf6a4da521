"""Checkpoints many times a second, for runs that tests kill; also a preload of Dask's workers."""

from glassbotan.simulation import lammps_engine, pacing, schedule, work

pacing.SLICE = 0.02
work.SECONDS_BETWEEN_CHECKPOINTS = 0.05
lammps_engine.STRETCH = 200
schedule.POLL = 0.1
