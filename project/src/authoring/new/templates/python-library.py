"""The component `__PACKAGE__`: a class for each interface that it exports."""

from wit_world import exports


class Greet(exports.Greet):
    def greet(self, name: str) -> str:
        return f"Hello, {name}!"
