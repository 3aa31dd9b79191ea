"""The Python client against a running server:

    pip install langgraph-sdk
    python examples/clients/stream.py [url]      (default http://127.0.0.1:2024)
"""

import sys

from langgraph_sdk import get_sync_client

URL = sys.argv[1] if len(sys.argv) > 1 else "http://127.0.0.1:2024"


def main() -> None:
    client = get_sync_client(url=URL)
    assistants = client.assistants.search()
    print("Assistants:", ", ".join(assistant["name"] for assistant in assistants))
    chat(client)
    review(client)


def chat(client) -> None:
    """Prints the response token by token."""
    thread = client.threads.create()
    stream = client.runs.stream(
        thread["thread_id"],
        "chat",
        input={"messages": [{"role": "user", "content": "Hello from Python"}]},
        context={"system_prompt": "Be brief."},
        stream_mode="messages-tuple",
    )

    print("Chat: ", end="")
    for part in stream:
        if part.event == "error":
            raise RuntimeError(f"{part.data['error']}: {part.data['message']}")
        if part.event == "messages":
            message, _metadata = part.data
            print(message["content"], end="", flush=True)
    print()

    state = client.threads.get_state(thread["thread_id"])
    print("Messages in the thread:", len(state["values"]["messages"]))


def review(client) -> None:
    """Runs until the interrupt, resumes it, and prints the history."""
    thread = client.threads.create()
    client.runs.wait(thread["thread_id"], "review", input={"topic": "parrots"})

    waiting = client.threads.get_state(thread["thread_id"])
    interrupts = [interrupt for task in waiting["tasks"] for interrupt in task["interrupts"]]
    print("Waiting at:", ", ".join(waiting["next"]), interrupts[0]["value"])

    values = client.runs.wait(
        thread["thread_id"],
        "review",
        command={"resume": {"approved": True, "edit": "Great news about parrots!"}},
    )
    print("Finished:", values)

    history = client.threads.get_history(thread["thread_id"])
    for state in reversed(history):
        print(f"  step {state['metadata']['step']}: next {', '.join(state['next']) or '(end)'}")


if __name__ == "__main__":
    main()
