"""Predict which customers leave within 30 days."""
