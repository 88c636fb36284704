"""The synthetic dataset."""

from __future__ import annotations

from pathlib import Path

import pytest

from gotocloud.errors import GoToCloudError, InputError
from gotocloud.rehearsal.slurm.dataset import make_dataset
from gotocloud.relion.star import read_star
from tests.needs import need_relion


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def test_the_same_seed_gives_the_same_files_and_another_seed_others(tmp_path: Path) -> None:
    need_relion()
    for name, seed in (("a", 1), ("b", 1), ("c", 2)):
        make_dataset(tmp_path / name, particles=10, box_px=24, seed=seed)
    first, second, other = (contents(tmp_path / name) for name in "abc")
    assert set(first) == {"molecule.mrc", "particles.mrcs", "particles.star", "reference.mrc"}
    assert first == second
    assert all(first[name] != other[name] for name in first)


def test_particles_are_what_was_requested_and_hide_their_orientations(tmp_path: Path) -> None:
    need_relion()
    import mrcfile

    made = make_dataset(tmp_path, particles=17, box_px=28)
    particles = read_star(made.particles).table("particles")
    names = [name for (name,) in particles.rows("_rlnImageName")]
    assert (len(names), names[0], names[-1]) == (
        *(17, "000001@particles.mrcs", "000017@particles.mrcs"),
    )
    assert "Angle" not in made.particles.read_text().replace("DefocusAngle", "")
    with mrcfile.open(tmp_path / "particles.mrcs") as stack:
        assert stack.data.shape == (17, 28, 28)
        assert stack.is_image_stack()
        assert float(stack.voxel_size.x) == made.pixel_angstrom


def test_every_number_that_cannot_be_used_is_reported(tmp_path: Path) -> None:
    with pytest.raises(InputError) as caught:
        make_dataset(tmp_path / "new", particles=0, box_px=31)
    assert len(caught.value.problems) == 2
    assert not (tmp_path / "new").exists()


def test_without_relion_it_is_shown_what_to_type(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(GoToCloudError, match="not installed") as caught:
        make_dataset(tmp_path / "new")
    assert caught.value.next_command == "apt-get install relion"
