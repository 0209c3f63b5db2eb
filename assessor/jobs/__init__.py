"""Durable background work: lists of steps that call a service, resumed at the last finished step after a crash."""
