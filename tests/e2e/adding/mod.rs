//! `add` and `remove` as people use them: asked in a terminal, told by options in scripts.
