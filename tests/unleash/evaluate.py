"""Compares what Unleash's client for Python serves with what trialbook says, name by name and value by value.

    evaluate.py URL TOKEN CONTEXTS EXPECTED AT
"""

import json
import sys
import tempfile

from UnleashClient import UnleashClient

url, token, contexts_path, expected_path, at = sys.argv[1:]
with tempfile.TemporaryDirectory() as cache:
    client = UnleashClient(
        url=f"{url}/api",
        app_name="trialbook",
        custom_headers={"Authorization": token},
        disable_metrics=True,
        cache_directory=cache,
    )
    client.initialize_client()

    def text(value):
        """Clients give every attribute as a text: booleans and numbers as JSON writes them."""
        return value if isinstance(value, str) else json.dumps(value)

    def given(context):
        properties = {key: text(value) for key, value in context.items() if key != "targetingKey"}
        named = {"userId": context["targetingKey"]} if "targetingKey" in context else {}
        return {**named, "currentTime": at, "properties": properties}

    with open(contexts_path, encoding="utf-8") as file:
        contexts = [json.loads(line) for line in file]
    first, position, compared, mismatches, flags = None, -1, 0, 0, set()
    with open(expected_path, encoding="utf-8") as file:
        for line in file:
            expected = json.loads(line)
            first = first or expected["flag"]
            position += expected["flag"] == first
            flags.add(expected["flag"])
            compared += 1
            actual = client.get_variant(expected["flag"], given(contexts[position]))
            payload = actual.get("payload", {}).get("value")
            if not isinstance(expected["value"], str) and payload is not None:
                payload = json.loads(payload)
            if actual["name"] == expected["served"] and payload == expected["value"]:
                continue
            mismatches += 1
            if mismatches <= 10:
                print(f"{contexts[position]}\n  trialbook: {line}  python: {actual}", file=sys.stderr)
    client.destroy()
if compared != len(contexts) * len(flags) or position != len(contexts) - 1:
    sys.exit("there are fewer answers than contexts times flags")
print(f"python at {at}: {compared} evaluations of {len(flags)} flags for {len(contexts)} contexts, {mismatches} mismatches")
sys.exit(mismatches != 0)
