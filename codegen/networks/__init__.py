"""Dense networks as opaque functions: their jets and the reverse of these, written as loops."""

from .activations import ACTIVATIONS, Activation
from .backward import DenseReverse
from .dense import ALONG, Dense, DenseJet, Layer, Wanted
from .sweeps import jet_function

__all__ = ["ACTIVATIONS", "ALONG", "Activation", "Dense", "DenseJet", "DenseReverse", "Layer", "Wanted", "jet_function"]
