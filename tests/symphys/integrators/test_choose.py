"""The registry: every file's methods are in it, under names that messages list and suggest."""

import importlib
import pkgutil

import pytest

from symphys import integrators
from symphys.errors import MethodError
from symphys.integrators import METHODS, is_adaptive, kind_of, method_named, names_by_kind


def test_no_file_of_methods_is_forgotten():
    found = set()
    for module in pkgutil.iter_modules(integrators.__path__):
        methods = getattr(importlib.import_module(f"symphys.integrators.{module.name}"), "METHODS", ())
        found |= {method.name for method in methods}
    assert found == set(METHODS)


def test_every_method_is_cited_and_of_one_kind():
    assert all(method.source and name == method.name for name, method in METHODS.items())
    assert sorted(name for names in names_by_kind(METHODS).values() for name in names) == sorted(METHODS)
    assert kind_of(METHODS["verlet"]) == "symplectic splitting"


def test_which_methods_choose_their_steps():
    adaptive = {name for name, method in METHODS.items() if is_adaptive(method)}
    assert {"tsit5", "dop853", "taylor", "radau"} <= adaptive
    assert not adaptive & {"rk4", "verlet", "gauss4", "euler"}


@pytest.mark.parametrize(
    ("name", "guess"), [("velvet", "verlet"), ("Yoshida-4", "yoshida4"), ("DOP853", "dop853"), ("rk45", "rk4")]
)
def test_an_unknown_name_gets_the_closest_ones_and_the_choices(name, guess):
    with pytest.raises(MethodError, match=f"(?s){name}.*did you mean.*'{guess}'.*choices.*leapfrog.*gauss4.*taylor"):
        method_named(name, METHODS)


def test_a_name_like_no_other_gets_the_choices():
    with pytest.raises(MethodError, match=r"(?s)'#'\. The choices are 'auto' and.*verlet"):
        method_named("#", METHODS)


def test_a_known_name_gives_its_method():
    assert method_named("rk4", METHODS) is METHODS["rk4"]
