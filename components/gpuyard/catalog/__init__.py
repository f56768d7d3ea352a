"""Dated facts as data files, and typed look-ups over them."""
