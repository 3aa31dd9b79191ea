"""Long waits and silent streams show that they are alive; both clients take no harm from it."""

from support.clients import Client, Flavour
from support.proxy import Proxy
from support.runs import Gate, ask_until, data_of, in_background, new_thread
from support.server import Server


def test_waits_and_streams_get_signs_of_life_while_a_run_takes_its_time(
    clients: dict[Flavour, Client], server: Server, gate: Gate
) -> None:
    proxies = {(flavour, how): Proxy(server.url) for flavour in clients for how in ("wait", "stream")}
    others = {key: Client(key[0], proxy.url) for key, proxy in proxies.items()}
    answers = {key: in_background(lambda key=key: ask(others[key], key[1], gate)) for key in others}
    for (_, how), proxy in proxies.items():
        sign = b"\r\n\r\n1\r\n\n\r\n" if how == "wait" else b": heartbeat\n"
        ask_until(lambda: bytes(proxy.answered), lambda answered: sign in answered)
    gate.open()
    for answer in answers.values():
        assert answer.result()["order"] == ["a:start", "a:end"]
    for client in others.values():
        client.close()
    for proxy in proxies.values():
        proxy.close()


def ask(client: Client, how: str, gate: Gate) -> dict:
    thread_id, entry = new_thread(client), {"gate": gate.path, "label": "a"}
    if how == "wait":
        return client.runs.wait(thread_id, "waiting", input=entry)
    return data_of(client.runs.stream(thread_id, "waiting", input=entry), "values")[-1]
