"""Runs of particles."""
