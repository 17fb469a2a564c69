"""``steadytune power``: the numbers of ``analysis.power`` as a person asks for them."""

import json

import pytest
from typer.testing import CliRunner

from steadytune.analysis.power import failure_power, mean_power, seeds_for
from steadytune.analysis.sequential import sequential_plan
from steadytune.cli import app


def ask(*given):
    return CliRunner().invoke(app, ["power", *map(str, given)])


def test_seeds_for_each_difference():
    found = json.loads(
        ask("--means", 2, "--std", 3, 1, "--failed", 0.3, 0.0, "--format", "json").stdout
    )
    means, failed = found["needs"]
    assert means["seeds"] == seeds_for(lambda n: mean_power(2, 3, 1, n))
    assert failed["seeds"] == seeds_for(lambda n: failure_power(0.3, 0.0, n))
    assert means["power"] == pytest.approx(mean_power(2, 3, 1, means["seeds"]))
    assert failed["test"] == "Barnard"


def test_more_comparisons_take_more_seeds():
    few, many = (
        json.loads(ask("--means", 1, "--comparisons", n, "--format", "json").stdout)["needs"][0]
        for n in (1, 15)
    )
    assert few["seeds"] < many["seeds"]


def test_what_seeds_can_show():
    assert "10 seeds of each recipe find this in 56 % of studies" in (
        ask("--means", 1, "--seeds", 10).stdout
    )
    said = ask("--seeds", 5).stdout
    assert "5 seeds of each recipe find in 80 % of studies: means 2.02 stds apart." in said
    assert "no difference of stds" in said
    unknown = ask("--seeds", 5, "--comparisons", 7, "--looks", "5,10").stdout
    assert "After 5 seeds of each: go on" in unknown
    many = ask("--seeds", 5, "--comparisons", 15).stdout  # p is 0.008 at least
    assert "no difference of means, however large" in many
    assert " 0 % of" in ask("--means", 9, "--seeds", 5, "--comparisons", 15).stdout
    assert "not even 200 seeds" in ask("--means", 0.01).stdout


def test_looks_are_those_of_the_plan():
    found = json.loads(ask("--looks", "5,10,20", "--means", 1, "--format", "json").stdout)
    plan = sequential_plan([5, 10, 20])
    assert [(one["seeds"], one["p"]) for one in found["looks"]] == [
        *zip(plan.looks, plan.nominal, strict=True)
    ]
    assert "on average" in found["remarks"][0]


@pytest.mark.parametrize(
    "given",
    [
        (),
        ("--means", 0),
        ("--means", 1, "--std", 0, 1),
        ("--ratio", 0.5),
        ("--failed", 0.3, 0.3),
        ("--failed", 2, 0.3),
        ("--means", 1, "--power", 1),
        ("--means", 1, "--comparisons", 0),
        ("--seeds", 3),
        ("--looks", "5,x"),
        ("--looks", "10,5"),
    ],
)
def test_bad_input_costs_a_sentence(given):
    found = ask(*given)
    assert found.exit_code == 2
    assert "give" in found.stderr
