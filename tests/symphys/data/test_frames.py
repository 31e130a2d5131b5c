"""Frames in and out: what is written is read again to the last bit, and damaged files are refused by name."""

import numpy as np
import pytest

import symphys as ph
from symphys.data import Frames, read_deepmd, read_extxyz, write_extxyz


def some_frames(count: int = 4, seed: int = 0) -> Frames:
    rng = np.random.default_rng(seed)
    draw = rng.normal(0, 1, (3, count, 3, 3))
    return Frames(draw[0], ("O", "H", "H"), np.eye(3) * 9 + 0.1 * draw[1], draw[2], rng.normal(0, 1, count),
                  draw[0] / 3, np.arange(count) / 7)  # fmt: skip


def write_deepmd(folder, frames: Frames, sets: int = 2) -> None:
    folder.mkdir(parents=True)
    names = list(dict.fromkeys(frames.species))
    (folder / "type.raw").write_text("\n".join(str(names.index(each)) for each in frames.species))
    (folder / "type_map.raw").write_text(" ".join(names))
    for i, rows in enumerate(np.array_split(np.arange(len(frames)), sets)):
        part = folder / f"set.{i:03d}"
        part.mkdir()
        np.save(part / "coord.npy", frames.positions[rows].reshape(len(rows), -1))
        np.save(part / "force.npy", frames.forces[rows].reshape(len(rows), -1))
        np.save(part / "energy.npy", frames.energies[rows])
        np.save(part / "box.npy", frames.box[rows].reshape(len(rows), -1))


def equal(one: Frames, other: Frames, but: tuple[str, ...] = ()) -> None:
    assert one.species == other.species
    for name in ("positions", "box", "forces", "energies", "velocities", "times"):
        if name not in but:
            np.testing.assert_array_equal(getattr(one, name), getattr(other, name), err_msg=name)


def test_systems_of_a_folder_are_joined_in_the_order_of_their_names(tmp_path) -> None:
    first, second = some_frames(5, 1), some_frames(4, 2)
    write_deepmd(tmp_path / "a", first)
    write_deepmd(tmp_path / "b", second, sets=1)
    read = read_deepmd(tmp_path)
    assert len(read) == 9
    equal(read[:5], first, ("velocities", "times"))
    equal(read[5:], second, ("velocities", "times"))
    equal(read_deepmd(tmp_path / "a"), first, ("velocities", "times"))
    assert read_deepmd(tmp_path, species=("S", "D")).species == ("S", "D", "D")


def test_damaged_deepmd_folders_are_refused(tmp_path) -> None:
    with pytest.raises(ph.InputError, match=r"no type\.raw in or below"):
        read_deepmd(tmp_path)
    write_deepmd(tmp_path / "a", some_frames())
    held = tmp_path / "a" / "set.000"
    np.save(held / "force.npy", np.zeros((2, 6)))
    with pytest.raises(ph.InputError, match=r"force\.npy has the shape \(2, 6\), which does not fit \(2, 3, 3\)"):
        read_deepmd(tmp_path)
    np.save(held / "force.npy", np.array([{"code": 1}], dtype=object), allow_pickle=True)
    with pytest.raises(ph.InputError, match=r"force\.npy cannot be read as an array of numbers"):
        read_deepmd(tmp_path)
    (held / "force.npy").unlink()
    with pytest.raises(ph.InputError, match=r"only one of .* holds forces"):
        read_deepmd(tmp_path)
    (held / "box.npy").unlink()
    with pytest.raises(ph.InputError, match=r"there is no .*box\.npy; a system without a box has a file `nopbc`"):
        read_deepmd(tmp_path)
    (tmp_path / "a" / "type_map.raw").write_text("O")
    with pytest.raises(ph.InputError, match=r"atoms of type 1, but 1 species are named"):
        read_deepmd(tmp_path)
    (tmp_path / "a" / "type_map.raw").unlink()
    with pytest.raises(ph.InputError, match=r"no type_map\.raw; give species="):
        read_deepmd(tmp_path)


def test_systems_of_other_atoms_are_refused(tmp_path) -> None:
    write_deepmd(tmp_path / "a", some_frames())
    write_deepmd(tmp_path / "b", Frames(species=("H", "O", "H"), **arrays(some_frames())))
    with pytest.raises(ph.InputError, match=r"b has other atoms \(3\) than .*a \(3\), or in another order"):
        read_deepmd(tmp_path)


def arrays(frames: Frames) -> dict:
    return {name: getattr(frames, name) for name in ("positions", "box", "forces", "energies", "velocities", "times")}


def test_extended_xyz_is_read_as_it_was_written(tmp_path) -> None:
    frames = some_frames()
    write_extxyz(tmp_path / "w.xyz", frames)
    equal(read_extxyz(tmp_path / "w.xyz"), frames)
    bare = Frames(frames.positions[:1, :, :2], ("A", "B", "C"))
    write_extxyz(tmp_path / "bare.xyz", bare)
    read = read_extxyz(tmp_path / "bare.xyz")
    np.testing.assert_array_equal(read.positions, np.pad(bare.positions, ((0, 0), (0, 0), (0, 1))))
    assert read.box is None
    assert read.forces is None


def test_extended_xyz_of_others_is_read(tmp_path) -> None:
    """Quotes, braces, further keys and columns in any order; and plain XYZ, whose second line is free."""
    text = (
        '2\ncomment={a b} pbc="T T T" Lattice="5 0 0 0 6 0 0 0 7" energy=-1.5 '
        "Properties=id:I:1:species:S:1:force:R:3:pos:R:3\n1 O 1 2 3 4 5 6\n2 H -1 -2 -3 0.5 1e-1 2\n\n"
    )
    path = tmp_path / "other.xyz"
    path.write_text(text)
    read = read_extxyz(path)
    assert read.species == ("O", "H")
    np.testing.assert_array_equal(read.positions, [[[4, 5, 6], [0.5, 0.1, 2]]])
    np.testing.assert_array_equal(read.forces, [[[1, 2, 3], [-1, -2, -3]]])
    np.testing.assert_array_equal(read.box, [np.diag([5.0, 6, 7])])
    assert read.energies == [-1.5]
    path.write_text("1\nwater, free of keys\nO 0 0 1\n")
    np.testing.assert_array_equal(read_extxyz(path).positions, [[[0, 0, 1]]])


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("x\n\nO 0 0 0\n", r"line 1: 'x' is no number of atoms"),
        ("2\n\nO 0 0 0\n", r"line 1: 2 atoms were announced, 1 lines follow"),
        ("1\n\nO 0 0 0\n1\n\nO 0 zero 0\n", r"the frame of line 4: could not convert string to float: .*zero"),
        ("1\n\nO 0 0\n", r"the frame of line 1: 'O 0 0' has 3 columns, not 4"),
        ("1\nProperties=pos:R:3\n0 0 0\n", r"has no column species"),
        ('1\nLattice="1 2 3"\nO 0 0 0\n', r"holds 3 numbers, not 9"),
        ("1\n\nO 0 0 0\n1\n\nH 0 0 0\n", r"frame 1 has other atoms"),
        ("", r"holds no frame"),
    ],
)
def test_damaged_extended_xyz_is_refused_by_line(tmp_path, text: str, complaint: str) -> None:
    path = tmp_path / "bad.xyz"
    path.write_text(text)
    with pytest.raises(ph.InputError, match=complaint):
        read_extxyz(path)


def test_slabs_are_refused(tmp_path) -> None:
    path = tmp_path / "slab.xyz"
    path.write_text('1\nLattice="1 0 0 0 1 0 0 0 1" pbc="T T F"\nO 0 0 0\n')
    with pytest.raises(ph.UnsupportedError, match="periodic along all edges or none"):
        read_extxyz(path)


def test_frames_are_chosen_like_rows() -> None:
    frames = some_frames(6)
    equal(frames[2], frames[2:3])
    equal(frames[-1], frames[5:])
    equal(frames[[0, 3]], frames[np.array([1, 0, 0, 1, 0, 0], dtype=bool)])
    with pytest.raises(IndexError, match="there is no frame 6; there are 6"):
        frames[6]


def test_accelerations_are_forces_by_masses() -> None:
    frames = some_frames()
    by_species = frames.accelerations({"O": 16.0, "H": 2.0})
    np.testing.assert_array_equal(by_species, frames.forces / np.array([16.0, 2.0, 2.0])[:, None])
    np.testing.assert_array_equal(by_species, frames.accelerations([16.0, 2.0, 2.0]))
    with pytest.raises(ph.InputError, match="the species H has no mass"):
        frames.accelerations({"O": 16.0})
    with pytest.raises(ph.InputError, match=r"masses of the shape \(2,\) were given for 3 atoms"):
        frames.accelerations([1.0, 2.0])
    with pytest.raises(ph.InputError, match="hold no forces"):
        Frames(frames.positions, frames.species).accelerations({"O": 1.0, "H": 1.0})


def test_shapes_that_do_not_fit_are_named() -> None:
    with pytest.raises(ph.InputError, match=r"2 species were given for 3 atoms"):
        Frames(np.zeros((1, 3, 3)), ("A", "B"))
    with pytest.raises(ph.InputError, match=r"box has the shape \(3, 3\); for positions \(2, 1, 3\) give \(2, 3, 3\)"):
        Frames(np.zeros((2, 1, 3)), ("A",), np.eye(3))
    with pytest.raises(ph.InputError, match="the forces of the frames hold nan"):
        Frames(np.zeros((1, 1, 3)), ("A",), forces=np.full((1, 1, 3), np.nan))
