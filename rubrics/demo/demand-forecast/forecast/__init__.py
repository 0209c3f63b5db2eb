"""Forecast weekly demand."""
