"""Where state is kept: one interface, implemented over memory and SQLite. Knows nothing of what it keeps."""
