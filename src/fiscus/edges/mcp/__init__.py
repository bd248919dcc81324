"""A door for assistants: read-only tools over the Model Context Protocol, in the sight of the person on whose behalf they ask."""
