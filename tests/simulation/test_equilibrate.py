"""Equilibration as physics, and its stops, seeds and refusals."""

from dataclasses import replace
from functools import cache

import numpy as np
import pytest

from conftest import Told
from glassbotan.errors import InputError, RunError
from glassbotan.settings import checked
from glassbotan.simulation import equilibrate, pacing
from glassbotan.simulation.engines import available, start
from glassbotan.simulation.equilibration import job as job_module
from glassbotan.simulation.equilibration.decorrelation import chance_structure, decorrelation
from glassbotan.simulation.equilibration.equilibrate import jobs_of
from glassbotan.simulation.equilibration.job import carry_out
from glassbotan.simulation.equilibration.settings import EquilibrationSettings
from glassbotan.simulation.pacing import StoppedError
from glassbotan.simulation.settings import DynamicsSettings
from glassbotan.structure.potential import KOB_ANDERSEN, potential_energy
from simulation.glasses import needs_lammps

pytestmark = pytest.mark.skipif(
    available()["ensemble"] is not None,
    reason="the ensemble engine was not built (no C++ compiler)",
)

HOT = {"particles": 160, "temperature": 1.0}


@cache
def liquid():
    """From hot to T = 1."""
    return equilibrate(**HOT, hold_time=40, seed=1)[0]


@cache
def glass():
    """Quenched to where nothing relaxes."""
    return equilibrate(particles=160, temperature=0.25, hold_time=5, seed=2)[0]


def agree(one, other, *, floor=0.01):
    """Whether two energies agree within three of their errors."""
    error = np.hypot(max(one.energy_error, floor), max(other.energy_error, floor))
    return abs(one.energy - other.energy) < 3 * error


def test_a_liquid_cooled_and_a_glass_heated_are_the_same_liquid():
    # Both halves of the way round: a thermostat with a tight hold warms it up quickly.
    heated = equilibrate(start=glass().snapshot, temperature=1.0, hold_time=40, damping=0.3)[0]
    heated = heated.judgement
    assert agree(liquid().judgement, heated)
    for judgement in (liquid().judgement, heated):
        assert judgement.temperature == pytest.approx(1.0, abs=0.06)
        assert judgement.time == pytest.approx(40)


@needs_lammps
@pytest.mark.parametrize("thermostat", ["langevin", "nose-hoover"])
def test_engines_and_thermostats_agree(thermostat):
    other = equilibrate(**HOT, hold_time=40, seed=5, engine="lammps", thermostat=thermostat)[
        0
    ].judgement
    assert agree(liquid().judgement, other)
    assert other.temperature == pytest.approx(1.0, abs=0.06)
    assert other.tau_alpha == pytest.approx(liquid().judgement.tau_alpha, rel=0.3)


def test_a_hot_liquid_is_found_to_be_in_equilibrium():
    judgement = equilibrate(particles=160, temperature=2.0, hold=25, damping=0.5, seed=3)[
        0
    ].judgement
    assert judgement.verdict == "equilibrated", judgement
    # It was held as long as was asked in its own relaxation times.
    assert judgement.held == pytest.approx(25, rel=0.1)


def test_a_hold_is_long_enough_for_its_thermostat():
    found = equilibrate(particles=160, temperature=2.0, hold=1.0, seed=3)[0].judgement
    assert found.time == pytest.approx(20, rel=0.1)
    assert np.isfinite(found.energy_drift.z)


def test_a_quenched_glass_is_found_out():
    judgement = glass().judgement
    assert judgement.verdict == "not yet"
    assert "has not fallen to 1/e within the 5" in judgement.reason
    assert judgement.temperature == pytest.approx(0.25, abs=0.03)


def test_the_longest_hold_ends_it():
    found = equilibrate(particles=160, temperature=0.25, longest=2.0, seed=2)[0].judgement
    assert (found.verdict, found.time) == ("not yet", 2.0)


@pytest.mark.slow
def test_a_slow_ramp_ends_lower_than_a_fast_one():
    fast, slow = (
        [
            glass.judgement.energy
            for glass in equilibrate(
                particles=160,
                temperature=0.3,
                hold_time=4,
                number=4,
                cooling="ramp",
                cooling_rate=rate,
            )
        ]
        for rate in (2.0, 0.02)
    )
    error = np.hypot(np.std(fast, ddof=1), np.std(slow, ddof=1)) / 2
    assert np.mean(slow) < np.mean(fast) - 2 * error


def test_velocities_and_temperature_are_the_snapshots():
    snapshot = liquid().snapshot
    velocities = snapshot.fields["velocities"]
    assert velocities.shape == (160, 3)
    assert velocities.sum(axis=0) == pytest.approx(0, abs=1e-9)
    assert np.mean(velocities**2) == pytest.approx(1, abs=0.25)
    assert snapshot.temperature == 1.0
    assert np.all((snapshot.positions >= 0) & (snapshot.positions < snapshot.box))


def test_what_is_written_goes_on_with_the_same_energy():
    # Positions and velocities belong to one moment: constant energy from there on.
    snapshot = liquid().snapshot
    settings = DynamicsSettings(1.0, 0.002)
    run = start("ensemble", snapshot, settings, velocities=snapshot.fields["velocities"][None])
    potential, kinetic = run.energies()
    assert potential[0] == pytest.approx(potential_energy(snapshot), rel=1e-5)
    assert kinetic[0] == pytest.approx(0.5 * np.sum(snapshot.fields["velocities"] ** 2), rel=1e-5)
    run.advance(500)
    assert np.sum(run.energies()) == pytest.approx(potential[0] + kinetic[0], rel=1e-3)
    run.close()


@needs_lammps
def test_engines_take_given_velocities_alike():
    snapshot = liquid().snapshot
    moved = []
    for engine in ("ensemble", "lammps"):
        run = start(
            engine, snapshot, DynamicsSettings(1.0), velocities=snapshot.fields["velocities"][None]
        )
        run.advance(40)
        moved.append(run.displacements())
        run.close()
    assert moved[0] == pytest.approx(moved[1], abs=1e-4)


@pytest.mark.parametrize("shape", [(160, 3), (2, 160, 3), (1, 160, 2)])
def test_velocities_of_another_shape_are_refused(shape):
    with pytest.raises(InputError, match="velocities have shape"):
        start("ensemble", liquid().snapshot, DynamicsSettings(1.0), velocities=np.zeros(shape))


def test_numbers_and_seeds_are_independent():
    quick = {"particles": 160, "temperature": 2.0, "melt_time": 1.0, "hold_time": 1.0}
    two = equilibrate(**quick, number=2)
    other = equilibrate(**quick, seed=1)
    again = equilibrate(**quick, number=1)
    positions = [g.snapshot.positions for g in (*two, *other)]
    assert np.array_equal(positions[0], again[0].snapshot.positions)
    for k in range(3):
        for j in range(k):
            assert np.abs(positions[k] - positions[j]).mean() > 0.5


def test_no_stage_repeats_another_ones_noise():
    (job,) = jobs(particles=160, temperature=1.0)
    assert len(job.settings.stages()) > 3
    seeds = set()
    work = job_module._Work(job)
    try:
        for index in range(3):
            work._start_stage(index, liquid().snapshot, None)
            seeds.add(tuple(work._run._task.random_source(0, purpose=1).generate_state(2)))
    finally:
        work.close()
    assert len(seeds) == 3


def jobs(**settings):
    return jobs_of(checked(EquilibrationSettings, settings))


def test_trajectories_leave_their_start_and_each_other():
    found = equilibrate(start=liquid().snapshot, number=4, hold=6)
    assert len(found) == 4
    left = found[0].decorrelation
    assert found[3].decorrelation is left
    assert np.all(np.abs(left.scattering) < 0.25)
    assert np.all(left.overlap < 0.3)
    assert np.nanmax(left.mutual_overlap) < 0.3
    # Structure: what is by chance, within what 160 particles scatter by.
    assert left.structure.mean() == pytest.approx(left.chance, abs=0.08)
    assert found[0].judgement.held == pytest.approx(6, rel=0.1)


def test_trajectories_that_stayed_are_called_dependent():
    found = equilibrate(start=glass().snapshot, number=2, hold_time=1)
    left = found[0].decorrelation
    assert not left.independent
    assert left.overlap.min() > 0.9
    assert left.mutual_structure[0, 1] > 0.9
    assert left.of(1)["largest_mutual_overlap"] == pytest.approx(left.mutual_overlap[0, 1])


def test_decorrelation_of_known_displacements():
    snapshot = liquid().snapshot
    random = np.random.default_rng(0)
    still = np.zeros((160, 3))
    elsewhere = random.random((160, 3)) * snapshot.box
    left = decorrelation(
        snapshot,
        np.stack([still, elsewhere, elsewhere + 0.1]),
        np.flatnonzero(snapshot.species == 0),
        wave_number=7.25,
    )
    assert left.overlap == pytest.approx([1, 0, 0], abs=0.03)
    assert left.scattering == pytest.approx([1, 0, 0], abs=0.1)
    assert left.structure[0] == 1
    # 0.1 along each axis is 0.17, within 0.3.
    assert left.mutual_overlap[1, 2] == 1
    # Particles at random places meet others at random.
    assert left.structure[1] == pytest.approx(chance_structure(snapshot), abs=0.08)
    assert not left.independent


def fast(**changes):
    """A job of a second: melt, ramp and hold, or with a start four trajectories."""
    usual = {
        "particles": 160,
        "temperature": 1.5,
        "melt_time": 1.0,
        "cooling": "ramp",
        "cooling_time": 1.0,
        "hold": 5.0,
        "damping": 0.3,
    }
    return jobs(**{**usual, **changes})[0]


JOBS = {
    "melt": dict,
    "from": lambda: {
        "particles": None,
        "start": liquid().snapshot,
        "number": 4,
        "cooling": "quench",
        "cooling_time": None,
    },
    "lammps": lambda: {"engine": "lammps"},
}


class KilledError(Exception):
    pass


@pytest.mark.parametrize("what", ["melt", "from", pytest.param("lammps", marks=needs_lammps)])
def test_a_killed_job_gives_the_same_bits(what, tmp_path, monkeypatch):
    monkeypatch.setattr(pacing, "SLICE", 0.01)
    whole = carry_out(fast(**JOBS[what]()))
    # A checkpoint at every pause, and death at some: nothing is written then.
    monkeypatch.setattr(job_module, "SECONDS_BETWEEN_CHECKPOINTS", -1.0)
    file, random, deaths = tmp_path / "checkpoint", np.random.default_rng(0), 0
    stages = set()
    for _ in range(200):
        left = int(random.integers(1, 8))

        def asked() -> bool:
            nonlocal left
            left -= 1
            if left < 0:
                raise KilledError
            return False

        try:
            killed = carry_out(
                fast(**JOBS[what]()),
                checkpoint_file=file,
                stop=asked,
                progress=lambda _, __, what, **___: stages.add(what.partition(",")[0]),
            )
            break
        except KilledError:
            deaths += 1
    assert deaths >= 2
    assert "hold" in stages
    for one, other in zip(whole, killed, strict=True):
        assert np.array_equal(one.snapshot.positions, other.snapshot.positions)
        assert np.array_equal(
            one.snapshot.fields["velocities"], other.snapshot.fields["velocities"]
        )
        assert one.judgement.as_dict() == other.judgement.as_dict()


def test_a_stopped_job_leaves_a_checkpoint(tmp_path):
    file = tmp_path / "checkpoint"
    with pytest.raises(StoppedError):
        carry_out(fast(), checkpoint_file=file, stop=lambda: True)
    with pytest.raises(InputError, match="another run: seed is 0 there and 1 here"):
        carry_out(fast(seed=1), checkpoint_file=file)
    assert file.exists()
    file.write_bytes(b"nonsense")
    # What cannot be read is no loss: it starts anew, and says so.
    assert carry_out(fast(), checkpoint_file=file)


def test_progress_counts_up_to_its_total(monkeypatch):
    told = Told()
    monkeypatch.setattr(pacing, "SLICE", 0.01)
    carry_out(fast(), progress=told)
    assert {"melt", "cooling", "hold"} <= {what.partition(",")[0] for *_, what in told}
    assert "at most" not in told[-1][2]
    assert "F_s = 0." in told[-1][2]
    equilibrate(**HOT, hold_time=2.0, progress=told)
    assert told[0] == (0, None, "random start")
    assert all(0 <= done <= total for done, total, _ in told if total is not None)


def test_a_blow_up_is_said():
    with pytest.raises((RunError, InputError), match="timestep"):
        equilibrate(particles=160, temperature=2.0, timestep=0.06, hold_time=20)


def test_two_dimensions():
    found = equilibrate(
        "kob-andersen-2d", particles=120, density=1.1, temperature=1.5, hold_time=20
    )[0]
    assert found.snapshot.dimension == 2
    assert found.snapshot.composition[0] == pytest.approx(0.65)
    assert found.judgement.temperature == pytest.approx(1.5, abs=0.15)
    assert np.isfinite(found.judgement.tau_alpha)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"temperature": -1.0}, "temperature: input should be greater than 0"),
        ({"temperature": float("nan")}, "temperature: input should be a finite number"),
        ({"temperature": 300.0}, "not kelvin"),
        ({"temperature": None}, "temperature is not given"),
        ({"particles": 50}, "use at least 151 particles"),
        ({"density": 9.0}, "beyond what"),
        ({"number": 0}, "number: input should be greater than or equal to 1"),
        ({"seed": -1}, "seed: "),
        ({"engine": "gromacs"}, "'ensemble' or 'lammps'"),
        ({"melt_temperature": 0.5}, "not above that of the hold"),
        ({"cooling": "ramp"}, "needs a cooling time"),
        ({"cooling_time": 5.0}, "a quench has neither"),
        ({"cooling": "ramp", "cooling_rate": 0.0}, "cooling_rate: input should be greater than 0"),
        ({"cooling": "ramp", "cooling_rate": 0.1, "cooling_time": 1.0}, "one is enough"),
        ({"cooling": "ramp", "cooling_time": 0.1}, "too short for a thermostat to follow"),
        ({"cooling": "slow"}, "'quench' or 'ramp'"),
        ({"hold": 0.0}, "hold: input should be greater than 0"),
        ({"longest": float("inf")}, "longest: input should be a finite number"),
        ({"thermostat": "nose-hoover"}, "engine 'lammps'"),
        ({"thermostat": "berendsen"}, "'langevin' or 'nose-hoover'"),
        ({"damping": 0.001}, "shorter than the timestep"),
        ({"mixture": "kob-andersen-2d"}, "density is not known"),
        ({"mixture": "water"}, "no mixture has this name"),
        ({"mixture": 5}, "mixture: input should be a dictionary or an instance of Mixture"),
    ],
)
def test_refusals(changes, message):
    settings = {**HOT, **changes}
    if "longest" in changes or "hold" in changes:
        settings.setdefault("hold_time", None)
    with pytest.raises(InputError, match=message):
        equilibrate(**settings)


def test_a_start_brings_its_own():
    for history in ({"melt_temperature": 2.0}, {"cooling": "ramp", "cooling_time": 1.0}):
        with pytest.raises(InputError, match="neither melted nor cooled"):
            equilibrate(start=liquid().snapshot, **history)
    with pytest.raises(InputError, match="this snapshot's own"):
        equilibrate(start=liquid().snapshot, particles=100)
    with pytest.raises(InputError, match="temperature is not in the file"):
        equilibrate(start=replace(liquid().snapshot, temperature=None))
    three = replace(liquid().snapshot, species=np.arange(160) % 3)
    with pytest.raises(InputError, match="knows 2 species"):
        equilibrate(start=three)


@pytest.mark.parametrize("temperature", [0.05, 1.5])
def test_the_fastest_ramp_and_a_quench_are_no_blow_up(temperature):
    quick = {"particles": 160, "temperature": temperature, "melt_time": 1.0, "hold_time": 0.5}
    equilibrate(**quick)
    # As fast as is accepted.
    least = 10 * 0.005 * (3 - temperature) / (0.5 * temperature) * 1.001
    equilibrate(**quick, cooling="ramp", cooling_time=least)


def test_stages_last_as_long_as_asked():
    settings = EquilibrationSettings(
        temperature=0.44,
        melt_temperature=3.0,
        cooling="ramp",
        cooling_time=50.0,
        hold_time=7.0,
        melt_time=3.0,
    )
    stages = settings.stages()
    assert sum(s.steps for s in stages) * 0.005 == pytest.approx(3 + 50 + 5 + 7)
    temperatures = [s.temperature for s in stages]
    assert temperatures[0] == 3.0
    assert temperatures[-1] == 0.44
    assert np.all(np.diff(temperatures) <= 0)
    assert np.diff(temperatures).min() >= -0.021
    after = EquilibrationSettings(start=liquid().snapshot)
    assert [s.name for s in after.stages()] == ["hold"]
    assert KOB_ANDERSEN.n_species == 2
