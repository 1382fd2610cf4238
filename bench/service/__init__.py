"""What an answer costs whoever asks for it: the service beside its peers and its floors.

Usage: python -m bench.service [--workers 1] [--rounds 3] [--seconds 3] [--json FILE]

docs/performance.md says what is compared with what, and how to read the figures.
"""
