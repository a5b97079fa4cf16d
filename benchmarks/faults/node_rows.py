"""R29: a balancer that sends people to the nodes that say they are ready, while Redis is away."""

from benchmarks.faults.drill import Row
from benchmarks.faults.redis_rows import down
from benchmarks.faults.stand import behind_a_balancer

ROWS = (Row("R29", "Redis down behind a balancer that asks /ready", behind_a_balancer, down, slowest=1.0),)
