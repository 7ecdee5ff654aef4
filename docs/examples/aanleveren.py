#!/usr/bin/env python3
"""Levert een bestand aan en wacht op het resultaat.

    SLUIS_URL=https://sluis.example.nl SLUIS_TOKEN=… python3 aanleveren.py patienten.csv

Zo nodig ook: SLUIS_CA=ca.pem (certificaat van de eigen CA), SLUIS_WAIT=120
(minuten dat dit script hoogstens op het resultaat wacht).
Einde: 0 alles opgeslagen, 1 een deel afgewezen (zie het foutenrapport naast het
bestand), 2 afgekeurd of mislukt, 3 een mens moet iets kiezen, 4 niet bereikbaar of
niet op tijd klaar, 5 het certificaat van Sluis klopt niet.
Nodig: Python 3.8 of nieuwer, zonder andere pakketten.
"""
import json
import os
import pathlib
import ssl
import sys
import time
import urllib.error
import urllib.parse
import urllib.request
import uuid

SITE = os.environ["SLUIS_URL"].rstrip("/")
API = SITE + "/api/v1"
TRIES = 8
UNTIL = time.monotonic() + 60 * float(os.environ.get("SLUIS_WAIT") or 120)
NOT_TRUSTED = ("het certificaat van Sluis wordt niet vertrouwd: zet in SLUIS_CA het certificaat van uw eigen CA, "
               "of vraag de beheerder:")


def trust():
    """De certificaten die dit script vertrouwt."""
    try:
        return ssl.create_default_context(cafile=os.environ.get("SLUIS_CA") or None)
    except OSError as unreadable:  # ook ssl.SSLError
        print("SLUIS_CA kan niet worden gelezen:", unreadable, file=sys.stderr)
        sys.exit(5)


TRUST = trust()


def ask(path, data=None, headers=None):
    """Vraagt het, en vraagt het opnieuw bij een verbroken verbinding, 429 en 5xx."""
    for attempt in range(TRIES):
        request = urllib.request.Request(API + path, data=data, headers={
            "Authorization": "Bearer " + os.environ["SLUIS_TOKEN"], **(headers or {})})
        pause = min(60, 2 ** attempt)
        try:
            with urllib.request.urlopen(request, timeout=300, context=TRUST) as answer:
                return answer.read(), answer.headers
        except urllib.error.HTTPError as problem:
            if problem.code != 429 and problem.code < 500:
                known = "json" in problem.headers.get_content_type()  # RFC 9457: detail zegt wat er is
                print(problem.read().decode() if known else f"onverwacht antwoord {problem.code}: klopt SLUIS_URL?", file=sys.stderr)
                sys.exit(2)
            pause = int(problem.headers.get("Retry-After") or pause)
        except OSError as broken:  # URLError en verbroken verbindingen
            if isinstance(getattr(broken, "reason", broken), ssl.SSLCertVerificationError):
                print(NOT_TRUSTED, broken, file=sys.stderr)  # opnieuw proberen helpt niet
                sys.exit(5)
            print("geen antwoord:", broken, file=sys.stderr)
        time.sleep(pause)
    sys.exit(4)


def main(path):
    # Eén sleutel per aanlevering, bewaard tot het resultaat er is: wordt dit script
    # onderbroken, dan hoort de volgende poging bij dezelfde aanlevering.
    key = pathlib.Path(str(path) + ".sleutel")
    if not key.exists():
        key.write_text(uuid.uuid4().hex)
    body, _ = ask("/deliveries?" + urllib.parse.urlencode({"filename": path.name}), path.read_bytes(), {
        "Content-Type": "application/octet-stream", "Idempotency-Key": key.read_text()})
    delivery = json.loads(body)["id"]
    print("aanlevering", delivery)

    while True:
        body, headers = ask("/deliveries/" + delivery)
        found = json.loads(body)
        if found["status"] not in ("queued", "processing", "paused"):
            break
        if time.monotonic() >= UNTIL:
            print(f"nog niet klaar ({found['status']}): start dit script later opnieuw, "
                  "het gaat dan verder met deze aanlevering", file=sys.stderr)
            return 4
        time.sleep(int(headers.get("Retry-After") or 5))

    counts = found["counts"]
    print(f"{found['status']}: {counts['read']} records, {counts['rejected']} afgewezen, {counts['review']} te beoordelen")
    for reason in found.get("reasons", []):
        if reason["severity"] == "fatal":
            print(" -", reason["message"], "| regels", reason.get("lines", []))
    if found["status"] in ("needs_mapping", "needs_confirmation", "checked"):
        print(f"Kies in Sluis hoe het verder moet: {SITE}/aanleveringen/{delivery}")
        return 3
    key.unlink()
    if found["status"] != "done":
        return 2
    if not counts["rejected"]:
        return 0
    report, _ = ask(f"/deliveries/{delivery}/report?format=csv")
    target = path.with_name(path.stem + "-fouten.csv")
    target.write_bytes(report)
    print("foutenrapport:", target)
    return 1


if __name__ == "__main__":
    sys.exit(main(pathlib.Path(sys.argv[1])))
