"""`GET /progress/{serial}?code=`: our whole way (gateway, RPC, database) against stock nameko's with a trivial RPC.

The peer looks nothing up; ours finds the case, checks its query code and shows the timeline. Same load, same run.
"""

from urllib.parse import urlsplit

from benchmarks.figures import report
from benchmarks.hall import bench_hall
from benchmarks.load import Load, get
from benchmarks.rpc import running
from kernel.testing import free_port
from tests.hall import whole_life

CASES = 50
ROUNDS = 3
REQUESTS = 1000  # per round and peer
CONNECTIONS = 16


def main() -> None:
    """Alternate between the two, so that whatever else the machine does meets both."""
    ours: list[Load] = []
    stock: list[Load] = []
    stock_port = free_port()
    with bench_hall() as bench, running("benchmarks.stock", bench.amqp_uri, stock_port):
        cases = bench.file(CASES)
        for filed in cases:
            bench.department.publish(whole_life(bench.organ, filed["serial"]))
        paths = [f"/api/v1/progress/{filed['serial']}?code={filed['query_code']}" for filed in cases]
        port = urlsplit(bench.hall.url).port or 80
        for _ in range(ROUNDS):
            ours.append(get(port, lambda number: paths[number % CASES], REQUESTS, CONNECTIONS))
            stock.append(get(stock_port, lambda number: f"/progress/{number}", REQUESTS, CONNECTIONS))
    rate, peer = (len(loads) * REQUESTS / sum(load.seconds for load in loads) for loads in (ours, stock))
    report("progress.rate", rate, "requests/s", stock_nameko=rate / peer)
    report("progress.p99", max(load.p99 for load in ours) * 1000, "ms")


if __name__ == "__main__":
    main()
