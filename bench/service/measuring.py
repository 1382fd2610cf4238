"""The rounds: in each of them every party is asked every question in turn."""

import time
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from bench.service import asking, load
from bench.service.cases import CASES, Case, Numbers
from bench.service.load import Run
from bench.service.parties import Parties
from bench.service.statements import Script

PEERS = ("tipg", "pygeoapi")
SETTLING = 0.3
"""Seconds between two runs: a party finishes what nobody waits for any more."""

Runs = dict[tuple[str, str], list[Run]]
"""What was found, by the case's key and the kind of run, in the order of rounds."""


@dataclass(frozen=True)
class Options:
    """How much is measured."""

    workers: int
    rounds: int
    seconds: int
    clients: int
    warming: bool


@dataclass
class Bench:
    """All that a run needs."""

    url: str
    folder: Path
    pgbench: Path
    parties: Parties
    scripts: dict[str, Script]
    numbers: Numbers
    options: Options
    temperatures: dict[str, bool | None]

    def measure(self, step: Callable[[str, int, int], None]) -> Runs:
        """Run all rounds; `step` is told what was done, how many runs, and of how many."""
        found: Runs = defaultdict(list)
        whole = [(case, kind) for case in CASES for kind in self.kinds(case)]
        warming = [pair for pair in whole if pair[1] not in ("floor", "alone", "pgbench")]
        rounds = self.options.rounds
        total = len(whole) * rounds + (len(warming) if self.options.warming else 0)
        done = 0
        if self.options.warming:
            for case, kind in warming:
                self._run(case, kind, 1)
                done += 1
                step("Warming up", done, total)
        for number in range(rounds):
            for case in CASES:
                kinds = self.kinds(case)
                first = number % len(kinds)  # another one begins in each round
                for kind in kinds[first:] + kinds[:first]:
                    found[case.key, kind].append(self._run(case, kind, self.options.seconds))
                    done += 1
                    step(f"Round {number + 1} of {rounds}", done, total)
        return found

    @staticmethod
    def kinds(case: Case) -> list[str]:
        """What is run for a case.

        `hot` and `cold` are the service, asked by all clients; `alone` is the service asked cold by
        one client, as `pgbench` asks the database.
        """
        peers = [peer for peer in PEERS if getattr(case, peer) is not None]
        return ["hot", "floor", "cold", *peers, "alone", "pgbench"]

    def _run(self, case: Case, kind: str, seconds: int) -> Run:
        time.sleep(SETTLING)
        options, port = self.options, self.parties.service
        if kind == "hot":
            self.temperatures["hot"] = asking.warm(port, case.path, options.workers)
            return load.fixed(port, case.path, options.clients, seconds)
        if kind in ("cold", "alone"):
            self.temperatures["cold"] = asking.is_cold(port, case, self.numbers)
            clients = options.clients if kind == "cold" else 1
            return load.cold(port, case, self.numbers.share(), clients, seconds)
        if kind == "pgbench":
            script = self.scripts[case.key]
            command = script.command(self.pgbench, self.url, self.folder / f"{case.key}.sql")
            return load.pgbench(command, script.environment(), seconds)
        path = case.path if kind == "floor" else getattr(case, kind)
        return load.fixed(self.parties.ports[kind], path, options.clients, seconds)
