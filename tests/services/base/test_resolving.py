from services.base.resolving import is_name, resolve


async def test_a_name_has_the_addresses_of_all_its_servers():
    assert "127.0.0.1:8051" in (await resolve("dns:///localhost:8051") or [])


async def test_an_address_is_its_own():
    assert not is_name("10.0.0.7:8051")
    assert await resolve("10.0.0.7:8051") == ["10.0.0.7:8051"]


async def test_a_name_without_an_answer_is_no_list():
    assert await resolve("dns:///no-such-name.invalid:8051") is None
