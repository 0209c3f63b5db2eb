"""Assessor measures an AI engineer across ten layers and shows the evidence for every figure."""

__version__ = "0.1.0"
