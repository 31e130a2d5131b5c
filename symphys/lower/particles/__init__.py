"""Particles as kernels: forces, steps and measures, for many particles or for many runs of few."""
