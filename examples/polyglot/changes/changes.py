from difflib import SequenceMatcher

from wit_world import exports
from wit_world.exports.words import Comparison, Part_Added, Part_Kept, Part_Removed
from wit_world.imports import counter


class Words(exports.Words):
    def compare(self, before: str, after: str) -> Comparison:
        old, new = before.split(), after.split()
        parts = []
        for operation, i1, i2, j1, j2 in SequenceMatcher(None, old, new).get_opcodes():
            if operation == "equal":
                parts.append(Part_Kept(" ".join(old[i1:i2])))
                continue
            if i1 < i2:
                parts.append(Part_Removed(" ".join(old[i1:i2])))
            if j1 < j2:
                parts.append(Part_Added(" ".join(new[j1:j2])))
        # Counted in C, in another component.
        old, new = counter.count(before), counter.count(after)
        summary = (
            f"words: {old.words}, now {new.words}; "
            f"characters: {old.characters}, now {new.characters}"
        )
        return Comparison(parts, summary)
