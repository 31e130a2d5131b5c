"""Data of particles in and out: frames of DeePMD folders, extended XYZ, and whatever ASE reads."""

from symphys.data.ase import from_ase, read_ase, to_ase
from symphys.data.deepmd import read_deepmd
from symphys.data.extxyz import read_extxyz, write_extxyz
from symphys.data.frames import Frames

__all__ = ["Frames", "from_ase", "read_ase", "read_deepmd", "read_extxyz", "to_ase", "write_extxyz"]
