"""One report model, and its text, JSON, Markdown and HTML."""
