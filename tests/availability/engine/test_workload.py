import pytest
from tests.load.bench_engine import WORKLOADS, Workload, answer, is_right, query_of


@pytest.mark.parametrize("workload", WORKLOADS, ids=lambda workload: workload.name)
def test_open_starts_workload_gives_the_reference_answer(workload: Workload) -> None:
    assert is_right(workload, answer(query_of(workload)))


@pytest.mark.usefixtures("machine_zone")
def test_open_starts_workload_is_the_same_in_every_machine_zone() -> None:
    assert is_right(WORKLOADS[1], answer(query_of(WORKLOADS[1])))
