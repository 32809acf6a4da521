"""What every command does alike: help, usage errors, volume, colour, completion, JSON."""

import json
import logging
import re
import shlex
import shutil
import subprocess
import sys
from importlib import import_module
from pathlib import Path

import pytest
import typer
from command_line import refusal, run, save_model
from terminal import on_terminal, piped

import glassbotan as gb
from conftest import random_snapshot, write_botan_npz
from glassbotan.cli import app as commands
from glassbotan.cli.help import epilog

ROOT = typer.main.get_command(commands.app)
COMMANDS = [
    *((name,) for name in commands.COMMANDS),
    *(("figure", name) for name in commands.FIGURES),
    *(("simulate", name) for name in commands.SIMULATIONS),
]
GROUPS = [(), ("figure",), ("simulate",)]
PUBLISHED = Path(__file__).parents[2] / "data" / "published" / "isoconfig_N4096T0.44_401_tc07.npz"
STYLE = re.compile(r"\x1b\[[\d;]*m")
NEEDS_NO_ARGUMENT = {("models",), ("fetch",), ("simulate", "equilibrate")}


def named(path: tuple[str, ...]) -> str:
    return " ".join(path) or "glassbotan"


def command_of(path: tuple[str, ...]):
    found = ROOT
    for name in path:
        found = found.commands[name]
    return found


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    """A folder with two snapshots and a model."""
    folder = tmp_path_factory.mktemp("manners")
    snapshot = random_snapshot(60)
    gb.write(folder / "a.xyz", snapshot)
    gb.write(folder / "b.xyz", snapshot)
    save_model(folder / "model", snapshot)
    return folder


@pytest.fixture
def prediction(folder) -> tuple[object, ...]:
    return ("predict", folder / "a.xyz", "--model", folder / "model")


# Help


@pytest.mark.parametrize("path", COMMANDS + GROUPS, ids=named)
def test_help_fits_and_ends_with_an_example(monkeypatch, path):
    pages = {}
    for columns in (30, 80, 200):
        monkeypatch.setenv("COLUMNS", str(columns))
        result = run(*path, "--help")
        assert (result.status, result.err) == (0, ""), result
        pages[columns] = result.out
    assert pages[80] == pages[200]
    lines = pages[80].splitlines()
    assert lines[0].startswith(f"Usage: glassbotan {' '.join(path)}".rstrip())
    assert max(map(len, lines)) <= 80
    assert not re.search(r"[{}<>]|\.\.\.\.|list\[", pages[80])
    text, example = pages[80].split("  Example:\n")
    # Right to copy at any width: it is never filled anew.
    assert pages[30].endswith(example)
    assert max(map(len, pages[30].split("  Example:\n")[0].splitlines())) <= 50
    assert len(text.splitlines()) > 5
    assert example.strip().startswith("glassbotan ")


def parsed(example: str) -> list[tuple[str, ...]]:
    """Parse each command of an example as the command line does, without running it."""
    paths = []
    for part in example.split(" && "):
        program, *words = shlex.split(part)
        assert program == "glassbotan"
        path: tuple[str, ...] = ()
        while words and words[0] in getattr(command_of(path), "commands", {}):
            path += (words.pop(0),)
        assert path in COMMANDS
        command_of(path).make_context(path[-1], words)
        paths.append(path)
    return paths


@pytest.mark.parametrize("path", COMMANDS, ids=named)
def test_the_example_is_one_of_this_command_with_options_that_exist(path):
    module = import_module(".".join(("glassbotan.cli", *path)))
    assert path in parsed(module.EXAMPLE)
    # What --help shows is the same command to a shell.
    shown = command_of(path).epilog.removeprefix("\b\nExample:\n").replace("\\\n", "")
    assert shlex.split(shown) == shlex.split(module.EXAMPLE)


def test_the_examples_of_the_groups_parse():
    assert parsed(commands.EXAMPLE) == [("predict",)]
    assert parsed(commands.FIGURE_EXAMPLE)[0][0] == "figure"


def test_an_example_with_an_option_that_there_is_not_would_be_found():
    with pytest.raises(typer.TyperException, match="No such option"):
        parsed("glassbotan predict a.xyz --mdoel botan")


def test_a_long_example_is_broken_between_options_and_never_in_quotes():
    example = f"glassbotan fetch {'x' * 40} --only 'a b  c' --only {'y' * 30} --list --json -q"
    lines = epilog(example).splitlines()
    assert lines[:2] == ["\b", "Example:"]
    assert lines[2:] == [
        f"  glassbotan fetch {'x' * 40} --only 'a b  c' \\",
        f"    --only {'y' * 30} --list --json -q",
    ]


@pytest.mark.parametrize("path", COMMANDS, ids=named)
def test_every_option_has_a_help_text_that_ends_as_a_sentence(path):
    for parameter in command_of(path).params:
        assert parameter.help, (path, parameter.name)
        assert parameter.help.endswith((".", "]", ";", '"')), (path, parameter.help)
    assert command_of(path).help.partition("\n\n")[0].endswith(".")


# Usage errors


@pytest.mark.parametrize("path", COMMANDS, ids=named)
def test_wrong_usage_gets_one_line_that_points_to_help(path):
    help_of = f"(see glassbotan {' '.join(path)} --help)"
    line = refusal(*path, "--no-such-option")
    assert line.startswith("no such option: --no-such-option")
    assert line.endswith(help_of)
    if path not in NEEDS_NO_ARGUMENT:
        line = refusal(*path)
        assert re.fullmatch(rf"missing argument [A-Z_.]+ {re.escape(help_of)}", line)


def test_other_wrong_usage():
    assert refusal("--frob") == "no such option: --frob (see glassbotan --help)"
    line = refusal("predcit", "a.xyz")
    assert line == "no such command 'predcit'. Did you mean 'predict'? (see glassbotan --help)"
    assert "no such command 'nothing'" in refusal("figure", "nothing")
    line = refusal("predict", "a.xyz", "--frame", "last")
    assert line.startswith("invalid value for '--frame'")
    assert "requires an argument" in refusal("predict", "a.xyz", "--model")
    assert "unexpected extra argument" in refusal("models", "a", "b")
    assert "several sources go into one store" in refusal("convert", "a", "b", "c")


@pytest.mark.parametrize("path", GROUPS, ids=named)
def test_no_command_shows_help_and_is_wrong_usage(path):
    result = run(*path)
    assert (result.status, result.out) == (2, "")
    assert result.err == run(*path, "--help").out


def test_the_version_is_told():
    assert run("--version").out == f"glassbotan {gb.__version__}\n"


# Volume


@pytest.mark.parametrize("path", COMMANDS, ids=named)
def test_volume_is_an_option_of_every_command(path):
    options = {name for parameter in command_of(path).params for name in parameter.opts}
    assert {"-q", "--quiet", "-v", "--verbose"} <= options


@pytest.mark.parametrize("option", ["-v", "--verbose"])
@pytest.mark.parametrize("before", [True, False])
def test_verbose_tells_what_is_done_and_when(folder, prediction, option, before):
    target = folder / "p.csv"
    arguments = (*prediction, "-o", target)
    result = run(*((option, *arguments) if before else (*arguments, option)))
    assert result.status == 0
    lines = result.err.splitlines()
    assert all(re.match(r"\[\d+\.\d\d s\] ", line) for line in lines), lines
    told = [line.partition("] ")[2] for line in lines]
    assert f"loading model {folder / 'model'} from {folder / 'model'}" in told
    assert f"reading {folder / 'a.xyz'}, found to be extxyz" in told
    assert f"predicting {folder / 'a.xyz'}, 60 particles, by model" in told
    assert f"wrote {target}" in told
    assert told[-1] == "done"
    # What is told is told beside the results, not among them.
    assert result.out == run(*arguments).out


def test_training_tells_its_epochs_and_nothing_with_quiet(tmp_path):
    for k in range(2):
        labelled = tmp_path / f"isoconfig_T0.44_{k}_tc07.npz"
        write_botan_npz(labelled, random_snapshot(60, seed=k))
    recipe = {
        "name": "small",
        "model": {"architecture": "botan", "width": 8, "steps": 1},
        "data": {
            "train": [str(tmp_path / "isoconfig_T0.44_0_tc07.npz")],
            "validation": [str(tmp_path / "isoconfig_T0.44_1_tc07.npz")],
            "box": [5.0],
        },
        "stages": [{"epochs": 2, "node_weight": 0.4, "learning_rate": 1e-3}],
        "accelerator": "cpu",
    }
    (tmp_path / "r.yaml").write_text(json.dumps(recipe))  # which is YAML too
    said = run("train", tmp_path / "r.yaml", "-o", tmp_path / "a")
    assert [line.split()[1] for line in said.err.splitlines() if "epoch" in line] == ["1/2", "2/2"]
    quiet = run("train", tmp_path / "r.yaml", "-o", tmp_path / "b", "--quiet")
    assert (quiet.status, quiet.err) == (0, "")
    assert quiet.out.startswith(f"model: {tmp_path / 'b'}")


@pytest.mark.parametrize("option", ["-q", "--quiet"])
@pytest.mark.parametrize("before", [True, False])
def test_quiet_leaves_remarks_out_and_keeps_results(tmp_path, option, before):
    arguments = ("convert", PUBLISHED, tmp_path / "b.xyz")
    assert "the format has no box; the published one, 15.05658, is used" in run(*arguments).err
    result = run(*((option, *arguments) if before else (*arguments, option)))
    assert (result.status, result.err) == (0, "")
    assert result.out == run(*arguments).out != ""


def test_volume_is_an_option_of_a_group_too(folder):
    arguments = ("map", folder / "a.xyz", "-m", folder / "model", "-o", folder / "m.png")
    assert "loading model" in run("figure", "-v", *arguments).err


def test_the_option_after_the_name_counts(prediction):
    assert "loading model" in run("-q", *prediction, "-v").err
    assert run("-v", *prediction, "-q").err == ""


def test_quiet_and_verbose_exclude_each_other(prediction):
    message = "--quiet and --verbose exclude each other; give one of them"
    assert refusal("-q", "-v", *prediction) == message
    assert refusal(*prediction, "-qv") == message


def test_an_unexpected_exception_is_one_line_and_with_verbose_a_traceback(monkeypatch, prediction):
    def fail(*_: object, **__: object) -> None:
        raise ZeroDivisionError("in the\nmiddle")

    monkeypatch.setattr("glassbotan.models.predictor.load_predictor", fail)
    line = refusal(*prediction, status=70)
    assert line == (
        "internal error, a bug of glassbotan (ZeroDivisionError: in the middle); "
        "please report it with what --verbose shows"
    )
    result = run(*prediction, "--verbose")
    assert result.status == 70
    assert "Traceback (most recent call last)" in result.err
    assert result.err.splitlines()[-1].startswith("glassbotan: error: internal error")


def test_memory_that_is_not_there_is_no_bug(monkeypatch, prediction):
    for error in (MemoryError(), RuntimeError("DefaultCPUAllocator: can't allocate memory: ...")):

        def fail(*_: object, wanted: Exception = error, **__: object) -> None:
            raise wanted

        monkeypatch.setattr("glassbotan.models.predictor.load_predictor", fail)
        assert refusal(*prediction, status=1) == "not enough memory for this job"


# JSON


def test_predict_writes_its_table_as_json(folder, prediction):
    target = folder / "table.json"
    result = run(*prediction, folder / "b.xyz", "--json", target)
    assert (result.status, result.err) == (0, "")
    assert result.out.endswith(f"table: {target}\n")
    first, second = json.loads(target.read_text())
    assert (first["snapshot"], second["snapshot"]) == tuple(str(folder / f"{n}.xyz") for n in "ab")
    assert first["model"] == "model"
    assert first["rows"] == second["rows"]
    # The numbers are those of the table, unrounded.
    shown = [line.split() for line in result.out.partition("b.xyz")[0].splitlines()]
    shown = [row for row in shown if row[:1] in (["4120"], ["13000"])]
    assert len(shown) == len(first["rows"]) == 10
    for row, words in zip(first["rows"], shown, strict=True):
        averages = [f"{row[name]:.4f}" for name in ("mean", "median", "fastest")]
        named = [*row["quantity"].split(), row["group"], str(row["number"])]
        assert words == [f"{row['time']:g}", *named, *averages]
    motion = gb.predict(gb.read(folder / "a.xyz"), folder / "model")
    of_a = motion.propensity[0, motion.snapshot.species == 0]
    assert first["rows"][0]["mean"] == pytest.approx(of_a.mean(), rel=1e-6)


def test_predict_writes_json_alone_to_standard_output(folder, prediction):
    result = run(*prediction, "--json", "-", "-o", folder / "p.npz")
    assert [item["model"] for item in json.loads(result.out)] == ["model"]
    assert result.err == f"prediction: {folder / 'p.npz'}\n"


def test_predict_refuses_a_json_file_that_cannot_be_before_it_computes(folder):
    target = folder / "nowhere" / "t.json"
    line = refusal("predict", folder / "none.xyz", "--json", target)
    assert line == f"{target}: cannot be written, there is no folder {target.parent}"


def test_models_writes_all_cards_as_json():
    cards = json.loads(run("models", "--json").out)
    by_name = {card["name"]: card for card in cards}
    assert {"botan", "node-only", "linear"} <= set(by_name)
    assert by_name["botan"] == json.loads(run("models", "botan").out)


def test_fetch_writes_its_lists_as_json(tmp_path):
    names = [dataset["name"] for dataset in json.loads(run("fetch", "--list", "--json").out)]
    assert names == ["botan-small", "botan", "glassbench", "deepmind"]
    result = run("fetch", "botan-small", "--list", "--json", "--into", tmp_path)
    files = json.loads(result.out)
    assert set(files[0]) == {"path", "size", "state"}
    assert len(files) == 20
    assert "goes with --list" in refusal("fetch", "botan-small", "--json")


# Completion


@pytest.mark.parametrize(
    ("shell", "start"),
    [("bash", "_glassbotan_completion()"), ("zsh", "#compdef"), ("fish", "complete --command")],
)
def test_completion_scripts(monkeypatch, tmp_path, shell, start):
    monkeypatch.setenv("_GLASSBOTAN_COMPLETE", f"source_{shell}")
    result = run()
    assert (result.status, result.err) == (0, "")
    assert result.out.lstrip().startswith(start)
    assert f"_GLASSBOTAN_COMPLETE=complete_{shell}" in result.out
    if shutil.which(shell):
        (tmp_path / "script").write_text(result.out)
        subprocess.run([shell, "-n", tmp_path / "script"], check=True)


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("glassbotan pre", ["predict"]),
        ("glassbotan figure cu", ["curve"]),
        ("glassbotan predict --spe", ["--species"]),
        ("glassbotan predict a.xyz --model node", ["node-only", "node-only-2020"]),
        ("glassbotan models lin", ["linear"]),
        ("glassbotan fetch botan-s", ["botan-small"]),
        ("glassbotan convert a b --to lammps", ["lammps_data", "lammps_dump"]),
    ],
)
def test_completion_finishes_words(monkeypatch, line, expected):
    monkeypatch.setenv("_GLASSBOTAN_COMPLETE", "complete_bash")
    monkeypatch.setenv("COMP_WORDS", line)
    monkeypatch.setenv("COMP_CWORD", str(len(line.split()) - 1))
    assert run().out.split() == expected


def test_completion_is_offered_in_help():
    page = run("--help").out
    assert "--install-completion" in page
    assert "--show-completion" in page


# Terminals, pipes and colour


def test_a_terminal_gets_styles_and_a_bar_in_one_line(folder, prediction):
    status, text = on_terminal(*prediction, folder / "b.xyz", "-o", folder / "out", columns=44)
    assert status == 0
    assert STYLE.search(text)
    assert "0/2" in text
    assert "snapshots/s" in text
    # A second line of the bar would eat up results.
    bars = [line for line in text.split("\r") if "snapshots/s" in line]
    assert all(len(re.sub(r"\x1b\[[\d;?]*[A-Za-z]", "", line).strip()) <= 44 for line in bars)
    assert "\x1b[2A" not in text
    shown = visible(text)
    assert sum(line.startswith("prediction: ") for line in shown) == 2
    assert "0/2" not in "".join(shown)


def visible(text: str) -> list[str]:
    """Return what stays on the terminal, as a terminal applies the codes that are used here."""
    lines, row = [""], 0
    for part in re.findall(r"\x1b\[[\d;?]*[A-Za-z]|\r|\n|[^\x1b\r\n]+", text):
        if part == "\n":
            row += 1
            lines += [""] * (row == len(lines))
        elif part == "\x1b[2K":
            lines[row] = ""
        elif part == "\x1b[1A":
            row -= 1
        elif part[0] not in "\x1b\r":
            lines[row] += part
    return lines


def test_a_dumb_terminal_gets_plain_text(prediction):
    status, text = on_terminal(*prediction, TERM="dumb")
    assert status == 0
    assert "propensity A" in text
    assert "\x1b" not in text


@pytest.mark.parametrize("arguments", [("models",), ("predict",)])
def test_no_color_leaves_no_code_without_a_bar(arguments):
    _, text = on_terminal(*arguments, NO_COLOR="1")
    assert len(text) > 60
    assert "\x1b" not in text


def test_results_go_to_a_file_while_the_bar_is_on_the_terminal_without_style(tmp_path, prediction):
    status, text = on_terminal(*prediction, output=tmp_path / "out.txt", NO_COLOR="1")
    assert status == 0
    assert "snapshots/s" in text
    assert not STYLE.search(text)
    assert "propensity" not in text
    assert (tmp_path / "out.txt").read_text() == run(*prediction).out


def test_pipes_get_plain_text_and_no_bar(prediction):
    assert run(*prediction).out.isascii()
    # Also where colour is asked for: a bar is nothing for a file.
    done = piped(*prediction, FORCE_COLOR="1")
    assert (done.returncode, done.stderr) == (0, "")
    assert "propensity A" in done.stdout


def test_a_reader_that_leaves_early_is_told_nothing():
    for arguments in (("models", "--json"), ("fetch", "--help")):
        words = " ".join(shlex.quote(str(word)) for word in arguments)
        done = subprocess.run(
            ["bash", "-c", f"{sys.executable} -m glassbotan {words} | head -n 1"],
            capture_output=True,
            text=True,
            check=True,
        )
        assert done.stdout.count("\n") == 1
        assert done.stderr == ""


def test_loggers_of_other_packages_stay_as_they_are(prediction):
    before = logging.getLogger().level
    run(*prediction, "-v")
    assert logging.getLogger().level == before
