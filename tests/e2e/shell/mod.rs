//! What the shell gets: completions, manual pages, help, screens of every width.
