"""Runbooks as files: Markdown with front matter and fenced `step` blocks. The files are the only source (ADR 0085)."""

from runbooks.files.reading import LIBRARY, Book, Problem, Step, book_in, load, load_all, read

__all__ = ["LIBRARY", "Book", "Problem", "Step", "book_in", "load", "load_all", "read"]
