"""Compares what a muxer left at the site with the truth."""

import json
import os


def verdict(settings, store):
    """Counts, and whether each pair that there is has exactly one result and nothing lies around."""
    with open(settings.path("truth.json"), encoding="utf-8") as file:
        truth = json.load(file)
    released = store.fact("late screens let go") is True
    expected = {(each["call"], tuple(sorted(each["media"]))) for each in truth if released or not each["late"]}
    results, named, broken = {}, set(), 0
    for call_id, medium in store.every_screen():
        stored = os.path.basename(medium["originalMediaDescriptor"]["path"])
        named.add(stored)
        sources = medium.get("parameters", {}).get("muxed_mediaIds")
        if sources is None:
            continue
        key = (call_id, tuple(sorted(sources)))
        results[key] = results.get(key, 0) + 1
        path = settings.path("www/recordings/screen", stored)
        if not os.path.exists(path) or os.path.getsize(path) != int(medium["size"]):
            broken += 1
    standing = set(os.listdir(settings.path("www/recordings/screen")))
    counts = {
        "expected": len(expected), "done": sum(1 for pair in expected if pair in results),
        "doubles": sum(count - 1 for count in results.values()),
        "unexpected": sum(1 for pair in results if pair not in expected),
        "broken": broken, "orphans": len(standing - named),
    }
    good = counts["done"] == counts["expected"] and not any(
        counts[name] for name in ("doubles", "unexpected", "broken", "orphans"))
    return counts, good
