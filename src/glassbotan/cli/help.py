"""What --help shows: names in capitals, whole sentences, and an example to copy."""

import re
from typing import Any

from typer.core import TyperCommand, TyperGroup

WIDTH = 76
"""Columns of an example, which --help indents by two of a terminal's 80."""

_KINDS = {"path": "PATH", "Path": "PATH", "int": "N", "float": "NUMBER"}
_TYPE = re.compile(r" ?<(?:list\[)?(\w+)\]?>(?:\.\.\.)?$")
_WORD = re.compile(r"""(?:--?[a-z][\w-]*\s+(?!-))?(?:'[^']*'|"[^"]*"|\S)+""")


class Command(TyperCommand):
    """A command whose help is for people, who need not know Python's types."""

    def collect_usage_pieces(self, ctx: Any) -> list[str]:
        """Return the usage line's words, with required arguments in capitals alone."""
        pieces = super().collect_usage_pieces(ctx)
        return [_argument(re.sub(r"[{}]", "", piece)) for piece in pieces]

    def format_options(self, ctx: Any, formatter: Any) -> None:
        """Write the sections of arguments and options."""
        for kind in ("argument", "option"):
            parameters = [p for p in self.get_params(ctx) if p.param_type_name == kind]
            records = [record for p in parameters if (record := p.get_help_record(ctx))]
            if not records:
                continue
            naming = _argument if kind == "argument" else _option
            with formatter.section(f"{kind.title()}s"):
                formatter.write_dl([(naming(name), _plain(text)) for name, text in records])


class CommandGroup(TyperGroup):
    """A group of commands, each told in a whole sentence."""

    def format_commands(self, ctx: Any, formatter: Any) -> None:
        """Write the section of commands."""
        commands = [self.get_command(ctx, name) for name in self.list_commands(ctx)]
        with formatter.section("Commands"):
            formatter.write_dl(
                [(c.name, (c.help or "").partition("\n\n")[0]) for c in commands if c is not None]
            )


def epilog(example: str) -> str:
    """Return the end of a help page: an example that is right to copy at any width.

    A long line is broken as shells allow it, by a backslash, between an option and the next.
    """
    lines = [""]
    for words in _WORD.findall(example):
        if lines[-1] and len(lines[-1]) + len(words) + 3 > WIDTH:
            lines[-1] += " \\"
            lines.append(f"  {words}")
        else:
            lines[-1] += " " * bool(lines[-1]) + words
    # The first line keeps the paragraph from being filled.
    return "\n".join(("\b", "Example:", *(f"  {line}" for line in lines)))


def _argument(name: str) -> str:
    return re.sub(r"\.{3,}", "...", _TYPE.sub("", name).upper())


def _option(name: str) -> str:
    return _TYPE.sub(lambda found: f" {_KINDS.get(found[1], 'TEXT')}", name)


def _plain(text: str) -> str:
    """Take away the brackets around a default that is told in words."""
    return re.sub(r"\[default: \((.*)\)(?=[];])", r"[default: \1", text)
