"""Lets Z3 decide whether pairs of audiences meet: an independent check of trialbook's answers.

    python overlap_z3.py PAIRS.json ANSWERS.json [MILLISECONDS]

PAIRS.json is written by `cargo bench --bench overlap -- --write PAIRS.json`. The answers hold the same pairs with `meet`
(true, false, or null where Z3 gave up) and `ms`, the CPU time of the question. Needs z3-solver from PyPI.
"""

import json
import re._constants as op
import re._parser
import sys
import time
from fractions import Fraction

import z3

ANY = z3.AllChar(z3.ReSort(z3.StringSort()))
ALL = z3.Full(z3.ReSort(z3.StringSort()))


def chars(ranges, negated):
    """A character of some ranges of code points, or of none."""
    parts = [z3.Range(chr(low), chr(high)) for low, high in ranges]
    union = parts[0] if len(parts) == 1 else z3.Union(*parts)
    return z3.Intersect(ANY, z3.Complement(union)) if negated else union


def expression(parsed):
    """A parsed regular expression without anchors, as a language."""
    parts = []
    for code, argument in parsed:
        if code is op.LITERAL:
            parts.append(z3.Re(chr(argument)))
        elif code is op.NOT_LITERAL:
            parts.append(chars([(argument, argument)], True))
        elif code is op.ANY:
            parts.append(chars([(10, 10)], True))
        elif code is op.IN:
            negated = argument[0][0] is op.NEGATE
            ranges = []
            for kind, value in argument[1 if negated else 0 :]:
                if kind is op.LITERAL:
                    ranges.append((value, value))
                elif kind is op.RANGE:
                    ranges.append(value)
                else:
                    raise ValueError(f"{kind} in a class")
            parts.append(chars(ranges, negated))
        elif code is op.BRANCH:
            parts.append(z3.Union(*[expression(branch) for branch in argument[1]]))
        elif code is op.SUBPATTERN:
            parts.append(expression(argument[3]))
        elif code is op.MAX_REPEAT:
            low, high, body = argument
            body = expression(body)
            if high is op.MAXREPEAT:
                parts.append(z3.Concat(z3.Loop(body, low, low), z3.Star(body)) if low else z3.Star(body))
            else:
                parts.append(z3.Loop(body, low, high))
        else:
            raise ValueError(f"{code} in a regular expression")
    if not parts:
        return z3.Re("")
    return parts[0] if len(parts) == 1 else z3.Concat(*parts)


def language(pattern):
    """The texts that a pattern matches somewhere, where it has anchors at its ends only."""
    starts, ends = pattern.startswith("^"), pattern.endswith("$")
    body = expression(re._parser.parse(pattern[starts : len(pattern) - ends]))
    parts = ([] if starts else [ALL]) + [body] + ([] if ends else [ALL])
    return parts[0] if len(parts) == 1 else z3.Concat(*parts)


def version(text):
    """Major, minor, patch and 0 for `-0`, 2 for a release; 1 stands for every other pre-release."""
    core, _, pre = text.partition("-")
    if pre not in ("", "0"):
        raise ValueError(text)
    numbers = [int(part) for part in core.split(".")]
    return numbers + [0] * (3 - len(numbers)) + [0 if pre else 2]


class Unit:
    """What is asked of a unit: for each attribute whether it is there, and its value."""

    def __init__(self, attributes):
        self.kinds = {attribute["key"]: attribute for attribute in attributes}
        self.present = {key: z3.Bool(f"{key}?") for key in self.kinds}
        self.values = {key: self.value(key) for key in self.kinds}
        self.named = {key: set() for key in self.kinds}

    def value(self, key):
        match self.kinds[key]["type"]:
            case "string":
                return z3.String(key)
            case "number":
                return z3.Real(key)
            case "boolean":
                return z3.Bool(key)
            case "version":
                return [z3.Int(f"{key}.{part}") for part in range(4)]

    def constraints(self):
        found = []
        for key, attribute in self.kinds.items():
            value = self.values[key]
            if attribute["type"] == "version":
                found += [part >= 0 for part in value] + [value[3] <= 2]
            if attribute["values"]:
                # What occurs is what is declared, and what an audience names.
                texts = {declared["string"] for declared, _ in attribute["values"]} | self.named[key]
                found.append(z3.Or([value == z3.StringVal(text) for text in sorted(texts)]))
        return found

    def equals(self, key, scalar):
        ((kind, literal),) = scalar.items()
        value = self.values[key]
        if kind == "string":
            self.named[key].add(literal)
            return value == z3.StringVal(literal)
        if kind == "version":
            return z3.And([part == number for part, number in zip(value, version(literal))])
        return value == (z3.RealVal(Fraction(literal)) if kind == "number" else literal)

    def below(self, key, bound, or_equal):
        ((kind, literal),) = bound.items()
        value = self.values[key]
        if kind == "number":
            literal = z3.RealVal(Fraction(literal))
            return value <= literal if or_equal else value < literal
        less = z3.BoolVal(or_equal)
        for part, number in reversed(list(zip(value, version(literal)))):
            less = z3.Or(part < number, z3.And(part == number, less))
        return less

    def test(self, key, test):
        ((operator, argument),) = test.items()
        value = self.values[key]
        match operator:
            case "present":
                return self.present[key] if argument else z3.Not(self.present[key])
            case "in":
                holds = z3.Or([self.equals(key, scalar) for scalar in argument])
            case "at-least":
                holds = z3.Not(self.below(key, argument, False))
            case "above":
                holds = z3.Not(self.below(key, argument, True))
            case "at-most":
                holds = self.below(key, argument, True)
            case "below":
                holds = self.below(key, argument, False)
            case "starts-with":
                holds = z3.PrefixOf(z3.StringVal(argument), value)
            case "ends-with":
                holds = z3.SuffixOf(z3.StringVal(argument), value)
            case "contains":
                holds = z3.Contains(value, z3.StringVal(argument))
            case "matches":
                holds = z3.InRe(value, language(argument))
            case _:
                raise ValueError(operator)
        return z3.And(self.present[key], holds)

    def audience(self, predicate):
        ((kind, argument),) = predicate.items()
        match kind:
            case "all":
                return z3.And([self.audience(part) for part in argument])
            case "any":
                return z3.Or([self.audience(part) for part in argument])
            case "not":
                return z3.Not(self.audience(argument))
            case "attribute":
                return self.test(*argument)
        raise ValueError(kind)


def main():
    source, target = sys.argv[1:3]
    timeout = int(sys.argv[3]) if len(sys.argv) > 3 else 2000
    with open(source, encoding="utf-8") as file:
        book = json.load(file)
    for pair in book["pairs"]:
        unit = Unit(book["attributes"])
        solver = z3.Solver()
        solver.set("timeout", timeout)
        solver.add(unit.audience(pair["a"]), unit.audience(pair["b"]), *unit.constraints())
        start = time.process_time()
        answer = solver.check()
        pair["ms"] = round((time.process_time() - start) * 1e3, 3)
        pair["meet"] = {"sat": True, "unsat": False}.get(str(answer))
    book["program"] = z3.get_full_version()
    with open(target, "w", encoding="utf-8") as file:
        json.dump(book, file, ensure_ascii=False, separators=(",", ":"))
        file.write("\n")


main()
