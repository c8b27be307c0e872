"""Compares what flagd's Python evaluator serves with what trialbook says, entry by entry and value by value.

python evaluate.py FLAGS CONTEXTS EXPECTED AT REASONS

REASONS, with commas between them, are those that the contexts must reach.
"""

import json
import logging
import sys
import time
from collections import Counter
from datetime import datetime

from openfeature.contrib.tools.flagd.core import FlagdCore
from openfeature.evaluation_context import EvaluationContext

flags_path, contexts_path, expected_path, at, required = sys.argv[1:]
now = datetime.fromisoformat(at.replace("Z", "+00:00")).timestamp()
time.time = lambda: now
# sem_ver logs a traceback for every text that is not a version.
logging.disable(logging.CRITICAL)

with open(flags_path, encoding="utf-8") as file:
    text = file.read()
core = FlagdCore()
core.set_flags(text)
served = list(json.loads(text)["flags"])


def resolver(value):
    if isinstance(value, bool):
        return core.resolve_boolean_value, False
    if isinstance(value, str):
        return core.resolve_string_value, "?"
    if isinstance(value, (int, float)):
        return core.resolve_float_value, -1.0
    return core.resolve_object_value, {}


def answer(flag, context, value):
    resolve, fallback = resolver(value)
    attributes = dict(context)
    unit = attributes.pop("targetingKey", None)
    try:
        details = resolve(flag, fallback, EvaluationContext(unit, attributes))
    except Exception as error:  # whatever it is, it is not what trialbook says
        return repr(error), None
    return details.variant, details.value


compared = mismatches = 0
reasons = Counter()
with open(contexts_path, encoding="utf-8") as contexts, open(expected_path, encoding="utf-8") as answers:
    for line in contexts:
        context = json.loads(line)
        pending = set(served)
        for _ in served:
            expected = json.loads(next(answers))
            pending.remove(expected["flag"])
            reasons[expected["reason"]] += 1
            compared += 1
            actual = answer(expected["flag"], context, expected["value"])
            if actual != (expected["served"], expected["value"]):
                mismatches += 1
                if mismatches <= 10:
                    print(f"{line.strip()}\n  trialbook: {expected}\n  flagd: {actual}", file=sys.stderr)
    if next(answers, None) is not None:
        sys.exit("there are more answers than contexts times flags")

unreached = set(required.split(",")) - set(reasons)
if unreached:
    sys.exit(f"the contexts reach too little to tell anything: nothing was answered with {', '.join(unreached)}")
summary = ", ".join(f"{reason} {count}" for reason, count in reasons.items())
print(f"python: {compared} evaluations of {len(served)} flags, {mismatches} mismatches ({summary})")
sys.exit(1 if mismatches else 0)
