"""Dense networks as opaque functions: their jets and the reverse of these, written as loops."""

from .activations import ACTIVATIONS, Activation
from .backward import DenseReverse
from .dense import Dense, DenseJet, Layer, Wanted
from .sweeps import jet_function

__all__ = ["ACTIVATIONS", "Activation", "Dense", "DenseJet", "DenseReverse", "Layer", "Wanted", "jet_function"]
