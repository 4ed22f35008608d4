"""Names, states, identifiers, errors and the generated tables. Imports nothing of ours."""
