from dataclasses import dataclass

from orchestrator.making.replicas import Replicas

NAME = "dns:///tts:8051"


@dataclass
class Connection:
    """To nobody."""

    address: str
    calls: int = 0
    closed: bool = False

    async def close(self) -> None:
        self.closed = True


class Names:
    """A name server that knows one name."""

    def __init__(self) -> None:
        self.addresses: list[str] | None = None

    async def resolve(self, target: str) -> list[str] | None:
        assert target == NAME
        return self.addresses


async def replicas_of(names: Names, *targets: str) -> Replicas[Connection]:
    replicas = Replicas(targets, Connection, names.resolve)
    await replicas.look_up()
    return replicas


def addresses(replicas: Replicas[Connection]) -> list[str]:
    return [replica.address for replica in replicas.present]


async def test_those_behind_a_name_come_and_go():
    names = Names()
    replicas = await replicas_of(names, "10.0.0.9:8051", NAME)
    assert addresses(replicas) == ["10.0.0.9:8051"]
    names.addresses = ["10.0.0.1:8051", "10.0.0.2:8051"]
    await replicas.look_up()
    assert addresses(replicas) == ["10.0.0.9:8051", "10.0.0.1:8051", "10.0.0.2:8051"]
    gone = replicas.present[1]
    names.addresses = ["10.0.0.2:8051"]
    await replicas.look_up()
    assert addresses(replicas) == ["10.0.0.9:8051", "10.0.0.2:8051"]
    assert gone.closed
    await replicas.close()


async def test_one_that_leaves_keeps_its_calls():
    names = Names()
    names.addresses = ["10.0.0.1:8051"]
    replicas = await replicas_of(names, NAME)
    (leaving,) = replicas.present
    leaving.calls, names.addresses = 1, ["10.0.0.2:8051"]
    await replicas.look_up()
    assert addresses(replicas) == ["10.0.0.2:8051"]
    assert not leaving.closed
    leaving.calls = 0
    await replicas.look_up()
    assert leaving.closed
    await replicas.close()


async def test_a_name_server_that_is_away_costs_no_replica():
    names = Names()
    names.addresses = ["10.0.0.1:8051"]
    replicas = await replicas_of(names, NAME)
    names.addresses = None
    await replicas.look_up()
    assert addresses(replicas) == ["10.0.0.1:8051"]
    await replicas.close()
    assert replicas.present[0].closed
