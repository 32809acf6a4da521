"""Commands that are loaded when they are asked for, so that each starts without the others."""

from importlib import import_module
from typing import Any

import typer

from glassbotan.cli.help import Command, CommandGroup, epilog
from glassbotan.cli.volume import with_volume


class _Commands(dict[str, Any]):
    """Commands by name; of those that are not loaded yet, the module."""

    def __getitem__(self, name: str) -> Any:
        found = super().__getitem__(name)
        if isinstance(found, str):
            found = self[name] = _loaded(found)
        return found

    def get(self, name: str, default: Any = None) -> Any:
        return self[name] if name in self else default  # noqa: SIM401 - which would call this


def group(package: str, names: tuple[str, ...]) -> type[CommandGroup]:
    """Return the class of a group of commands, each a module of a package."""

    class LoadingGroup(CommandGroup):
        """Has the package's commands besides the groups that were added."""

        def __init__(self, *arguments: Any, **options: Any) -> None:
            super().__init__(*arguments, **options)
            own = {name: f"{package}.{name}" for name in names}
            self.commands = _Commands({**own, **self.commands})

        def list_commands(self, ctx: Any) -> list[str]:  # noqa: ARG002 - click's call
            """Return the names in the order of ``--help``."""
            return list(self.commands)

    return LoadingGroup


def _loaded(module_name: str) -> Any:
    """Return a module's command: its function of the same name, told by its EXAMPLE."""
    module, name = import_module(module_name), module_name.rpartition(".")[2]
    # A name that Python has taken, such as map, ends in an underscore.
    command = getattr(module, name, None) or getattr(module, f"{name}_")
    alone = typer.Typer(add_completion=False, rich_markup_mode=None, pretty_exceptions_enable=False)
    alone.command(name, cls=Command, epilog=epilog(module.EXAMPLE))(with_volume(command))
    return typer.main.get_command(alone)
