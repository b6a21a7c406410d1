from benchmarks.figures import Figure, Section, Target, shown
from benchmarks.report import page
from benchmarks.timing import interleaved, percentile


def figure(value: float, target: Target | None) -> Figure:
    return Figure(what="x", value=value, unit="s", beside="y", other=1.0, target=target, cause="because")


def test_a_target_is_of_the_value_or_of_the_ratio_and_a_floor_or_a_ceiling() -> None:
    assert figure(2.0, Target(bound=2, of_ratio=True)).met is True
    assert figure(2.1, Target(bound=2, of_ratio=True)).met is False
    assert figure(0.004, Target(bound=0.005, unit="s")).met is True
    assert figure(900, Target(bound=1_000, at_least=True)).met is False
    assert figure(1.0, None).met is None


def test_a_ratio_without_anything_beside_it_is_not_judged() -> None:
    alone = Figure(what="x", value=1.0, unit="s", target=Target(bound=2, of_ratio=True))
    assert alone.ratio is None
    assert alone.met is None


def test_what_falls_short_is_written_down_with_its_cause() -> None:
    section = Section("A", [figure(3.0, Target(bound=2, of_ratio=True)), figure(1.0, Target(bound=2, of_ratio=True))])
    section.missing["z"] = "it is not installed"
    written = page([section], {}, rounds=1, seconds=1, alone=True, picture="")
    assert "wanted ≤ 2 ×. Cause: because." in written
    assert "≤ 2 × ✓" in written
    assert "not measured: z: it is not installed." in written


def test_values_are_shown_as_a_person_reads_them() -> None:
    assert [shown(0.0000052, "s"), shown(0.0123, "s"), shown(2.5, "s")] == ["5.2 µs", "12.3 ms", "2.5 s"]
    assert [shown(12_345, "B"), shown(2_500_000, "B"), shown(1_234.5, "items/s")] == [
        "12.3 KB",
        "2.5 MB",
        "1,234 items/s",
    ]


def test_a_percentile_is_a_value_that_was_measured() -> None:
    values = [float(number) for number in range(1, 101)]
    assert [percentile(values, 0.5), percentile(values, 0.95), percentile([7.0], 0.99)] == [50.0, 95.0, 7.0]


async def test_runs_take_turns_and_every_second_round_the_other_way_round() -> None:
    order: list[str] = []

    async def one() -> float:
        order.append("one")
        return 1.0

    async def two() -> float:
        order.append("two")
        return 2.0

    assert await interleaved({"one": one, "two": two}, 2) == {"one": [1.0, 1.0], "two": [2.0, 2.0]}
    assert order == ["one", "two", "two", "one"]
