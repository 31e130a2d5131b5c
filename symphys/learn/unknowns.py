"""What a fit looks for: unknown parameters as one vector of free numbers, kept within what is assumed of them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from symphys.errors import InputError, UnsupportedError
from symphys.language import ParameterArray, array_of, spread_arrays
from symphys.language.arrays import on_host
from symphys.language.networks import NetworkSymbol
from symphys.simulate.inputs import check_assumptions, numbers
from symphys.simulate.network import initial_weights
from symphys.simulate.weights import read_weights, weight_count

Floats = NDArray[np.float64]
_EDGE = 1e-6  # how near to a bound a guess may stand, relative to the room between bounds or to its own size


@dataclass(frozen=True)
class Unknowns:
    """Unknown parameters theta [U] in terms of free numbers u [U], which optimisers move: scalars, then weights.

    theta = scale u without bounds; lower + exp(u), upper - exp(u), or lower + (upper - lower) / (1 + exp(-u)) with
    them: so a positive parameter stays positive, and is found by its logarithm. keys: what users name, symbols, arrays
    and networks. symbols: [S], the scalars. networks: those whose weights are unknown. lower, upper, scale, guess: [U].
    """

    keys: tuple[Any, ...]
    symbols: tuple[Any, ...]
    networks: tuple[NetworkSymbol, ...]
    lower: Floats
    upper: Floats
    scale: Floats
    guess: Floats

    @property
    def bounded(self) -> NDArray[np.bool_]:
        """[U], whether there is a bound."""
        return np.isfinite(self.lower) | np.isfinite(self.upper)

    def values(self, u: Floats) -> Floats:
        """theta [U] of u [U]."""
        below, above = np.isfinite(self.lower), np.isfinite(self.upper)
        low, high = np.where(below, self.lower, 0.0), np.where(above, self.upper, 0.0)
        with np.errstate(over="ignore"):
            grown = np.exp(u)
            between = low + (high - low) / (1.0 + np.exp(-u))
        one_sided = np.where(below, low + grown, high - grown)
        return np.where(below & above, between, np.where(below | above, one_sided, self.scale * u))

    def slopes(self, u: Floats) -> Floats:
        """d theta / d u [U]."""
        below, above = np.isfinite(self.lower), np.isfinite(self.upper)
        with np.errstate(over="ignore"):
            grown = np.exp(u)
            share = 1.0 / (1.0 + np.exp(-u))
        between = np.where(below & above, self.upper - self.lower, 0.0) * share * (1.0 - share)
        one_sided = np.where(below, grown, -grown)
        return np.where(below & above, between, np.where(below | above, one_sided, self.scale))

    def free(self, theta: Floats) -> Floats:
        """u [U] of theta [U]; values at a bound or beyond are moved inside it by a hair."""
        below, above = np.isfinite(self.lower), np.isfinite(self.upper)
        low, high = np.where(below, self.lower, 0.0), np.where(above, self.upper, 0.0)
        room = np.where(below & above, high - low, np.maximum(np.abs(theta), 1.0))
        inside = np.where(below, np.maximum(theta, low + _EDGE * room * (theta <= low)), theta)
        inside = np.where(above, np.minimum(inside, high - _EDGE * room * (theta >= high)), inside)
        with np.errstate(all="ignore"):
            both = np.log((inside - low) / (high - inside))
            one_sided = np.log(np.where(below, inside - low, high - inside))
        return np.where(below & above, both, np.where(below | above, one_sided, theta / self.scale))

    @property
    def size(self) -> int:
        """U, the number of all."""
        return len(self.guess)

    def weights(self, theta: Floats) -> dict[NetworkSymbol, Floats]:
        """The weights of each unknown network in theta [U]."""
        found, place = {}, len(self.symbols)
        for network in self.networks:
            count = weight_count(network)
            found[network] = theta[place : place + count]
            place += count
        return found

    def vector(self, values: Mapping[Any, Any]) -> Floats:
        """theta [U] of {symbol: number, array: values, network: weights}."""
        spread = spread_arrays(values)
        weights = [np.asarray(on_host(spread[network]), dtype=np.float64) for network in self.networks]
        return np.concatenate([np.array([float(spread[s]) for s in self.symbols]), *weights])

    def shown(self, u: Floats) -> str:
        """The first few parameters at u, for messages."""
        theta = self.values(u[: self.size])
        named = [f"{s} = {value:.6g}" for s, value in zip(self.symbols[:6], theta, strict=False)]
        return ", ".join([*named, *(f"the weights of {network}" for network in self.networks)])

    def by_key(self, theta: Floats) -> dict[Any, Any]:
        """{symbol: number, array: values} as users give parameters."""
        found: dict[Any, Any] = {s: float(value) for s, value in zip(self.symbols, theta, strict=False)}
        found |= {network: values.copy() for network, values in self.weights(theta).items()}
        return {k: k.gather(found) if isinstance(k, ParameterArray) else found[k] for k in self.keys}


def read_unknowns(
    parameters: Sequence[Any],
    networks: Sequence[NetworkSymbol],
    wanted: Iterable[Any] | None,
    given: Mapping[Any, Any],
    guess: Mapping[Any, Any],
    bounds: Mapping[Any, Any],
    seed: int = 0,
) -> Unknowns:
    """The unknowns of a system with these `parameters` and `networks`, some of which are `given` as {symbol: values}.

    wanted: symbols, arrays and networks; None: everything that is not given. Guesses default to 1, for the elements of
    arrays to 0, between two bounds to the middle, for weights to what `initialise` draws with the seed.

    Raises `InputError` for what the system does not have, for what is both unknown and given, for parameters that are
    neither, and for guesses and bounds of what is not looked for; `UnsupportedError` for whole numbers.
    """
    everything = (*parameters, *networks)
    keys = tuple(wanted) if wanted is not None else _collected(everything, given)
    named = tuple(s for key in keys for s in (key.symbols if isinstance(key, ParameterArray) else (key,)))
    known = ", ".join(map(str, everything)) or "none"
    owned, asked = set(everything), Counter(named)  # looked up by hash: symbols are slow to compare one by one
    if strange := [s for s in (*named, *given) if s not in owned]:
        raise InputError(f"{strange[0]} is no parameter of this system; it has {known}. Remove it or rename it.")
    if both := [s for s in named if s in given]:
        raise InputError(f"{both[0]} is both unknown and given; remove one of the two")
    if twice := [s for s in named if asked[s] > 1]:
        raise InputError(f"{twice[0]} stands twice among the unknowns; name it once")
    if missing := [s for s in everything if s not in asked and s not in given]:
        raise InputError(
            f"{missing[0]} is neither unknown nor given; add it to unknowns or give parameters={{{missing[0]}: ...}}"
        )
    learnable = set(networks)
    symbols = tuple(s for s in named if s not in learnable)
    learnt = tuple(s for s in named if s in learnable)
    if not named:
        raise InputError("there is nothing to fit: every parameter is given; leave those out that are unknown")
    if whole := [s for s in symbols if s.is_integer]:
        raise UnsupportedError(f"{whole[0]} is a whole number, which gradients cannot find; try its values in turn")
    lower, upper = _bounds(symbols, spread_arrays(bounds))
    single = {key for key in keys if not isinstance(key, ParameterArray)}
    if strange := [s for s in spread_arrays(guess) if s not in asked]:
        raise InputError(f"a guess is given for {strange[0]}, which is not unknown")
    first = _guesses(symbols, single, spread_arrays(guess), lower, upper)
    scale = np.where(first != 0.0, np.abs(first), 1.0)
    weights = [_first_weights(network, guess, seed + i) for i, network in enumerate(learnt)]
    wide = np.full(sum(map(len, weights)), np.inf)
    return Unknowns(
        keys,
        symbols,
        learnt,
        np.concatenate([lower, -wide]),
        np.concatenate([upper, wide]),
        np.concatenate([scale, np.ones(len(wide))]),
        np.concatenate([first, *weights]),
    )


def _first_weights(network: NetworkSymbol, guess: Mapping[Any, Any], seed: int) -> Floats:
    return read_weights(network, guess[network]) if network in guess else initial_weights(network, seed)


def _collected(parameters: Sequence[Any], given: Mapping[Any, Any]) -> tuple[Any, ...]:
    free = [s for s in parameters if s not in given]
    arrays = {array for s in free if isinstance(array := array_of(s), ParameterArray)}
    whole = {array for array in arrays if set(array.symbols) <= set(free)}
    return tuple(dict.fromkeys(array if (array := array_of(s)) in whole else s for s in free))


def _bounds(symbols: Sequence[Any], bounds: Mapping[Any, Any]) -> tuple[Floats, Floats]:
    if strange := [s for s in bounds if s not in symbols]:
        raise InputError(f"bounds are given for {strange[0]}, which is not unknown")
    lower = np.array([0.0 if s.is_nonnegative else -np.inf for s in symbols])
    upper = np.array([0.0 if s.is_nonpositive else np.inf for s in symbols])
    for i, s in enumerate(symbols):
        if s not in bounds:
            continue
        try:
            low, high = (float(x) for x in bounds[s])
        except (TypeError, ValueError):
            raise InputError(f"the bounds of {s} are {bounds[s]!r}; give two numbers (lower, upper)") from None
        lower[i], upper[i] = max(low, lower[i]), min(high, upper[i])
        if not lower[i] < upper[i]:
            raise InputError(f"the bounds of {s} leave nothing between {lower[i]} and {upper[i]}; widen them")
    return lower, upper


def _guesses(
    symbols: Sequence[Any], single: set[Any], guess: Mapping[Any, Any], lower: Floats, upper: Floats
) -> Floats:
    found = np.empty(len(symbols))
    for i, s in enumerate(symbols):
        if s in guess:
            value = numbers("guess of", s, guess[s])
            if value.ndim:
                raise InputError(f"the guess of {s} is an array of shape {value.shape}; give one number")
            check_assumptions(s, value)
            found[i] = float(value)
            if not lower[i] <= found[i] <= upper[i]:
                raise InputError(f"the guess {found[i]} of {s} lies outside of its bounds {lower[i]} and {upper[i]}")
        else:
            found[i] = _plain_guess(s in single, lower[i], upper[i])
    return found


def _plain_guess(single: bool, lower: float, upper: float) -> float:
    if np.isfinite(lower) and np.isfinite(upper):
        return (lower + upper) / 2
    if np.isfinite(lower):
        return lower + 1.0
    if np.isfinite(upper):
        return upper - 1.0
    return 1.0 if single else 0.0
