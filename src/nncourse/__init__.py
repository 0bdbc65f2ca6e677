"""The library behind the book: small neural networks in NumPy, and the figures that show them.

It is written to be read. It is not a framework: everything here fits one CPU and one evening.
"""

__version__ = "0.1.0"
