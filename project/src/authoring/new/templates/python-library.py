"""The component `__PACKAGE__`: a class for each interface that it exports.

The build leaves out what of the host Python itself could use, such as files and the environment, so that no app has to
grant it: see `--stub-wasi` in component.toml.
"""

from wit_world import exports


class Greet(exports.Greet):
    def greet(self, name: str) -> str:
        return f"Hello, {name}!"
