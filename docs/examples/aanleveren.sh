#!/bin/sh
# Levert een bestand aan en wacht op het resultaat.
#   SLUIS_URL=https://sluis.example.nl SLUIS_TOKEN=… ./aanleveren.sh patienten.csv
# Zo nodig ook: SLUIS_CA=ca.pem (certificaat van de eigen CA), SLUIS_WAIT=120
# (minuten dat dit script hoogstens op het resultaat wacht).
# Einde: 0 alles opgeslagen, 1 een deel afgewezen (zie het foutenrapport naast het
# bestand), 2 afgekeurd of mislukt, 3 een mens moet iets kiezen, 4 niet bereikbaar of
# niet op tijd klaar, 5 het certificaat van Sluis klopt niet.
# Nodig: sh en curl 7.84 of nieuwer.
set -eu
file=$1
until=$(($(date +%s) + 60 * ${SLUIS_WAIT:-120}))
api="${SLUIS_URL%/}/api/v1"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# Het token staat in een bestand, zodat het niet in de proceslijst te lezen is.
(umask 077 && printf 'header = "Authorization: Bearer %s"\n' "$SLUIS_TOKEN" >"$work/auth")
[ -z "${SLUIS_CA:-}" ] || printf 'cacert = "%s"\n' "$SLUIS_CA" >>"$work/auth"
printf 'connect-timeout = 20\nmax-time = 900\n' >>"$work/auth"

# Een certificaat dat niet klopt wordt niet beter door het nog eens te proberen.
curl --silent --show-error --config "$work/auth" --max-time 30 --output "$work/answer" "$api/openapi.json" || case $? in
51 | 53 | 54 | 58 | 59 | 60 | 66 | 77 | 82 | 83 | 90 | 91)
  echo "het certificaat van $SLUIS_URL wordt niet vertrouwd: zet in SLUIS_CA het certificaat van uw eigen CA, of vraag de beheerder" >&2
  exit 5
  ;;
esac

# Eén sleutel per aanlevering, bewaard tot het resultaat er is: wordt dit script
# onderbroken, dan hoort de volgende poging bij dezelfde aanlevering.
[ -s "$file.sleutel" ] || od -An -N16 -tx1 /dev/urandom | tr -d ' \n' >"$file.sleutel"

# curl probeert het opnieuw bij een verbroken verbinding, 429 en 5xx, en houdt zich
# aan Retry-After.
ask() { curl --silent --show-error --config "$work/auth" --retry 8 --retry-all-errors --retry-max-time 600 "$@"; }
field() { sed -n "s/.*\"$1\":\"\{0,1\}\([^\",}]*\).*/\1/p" "$work/answer" | head -n 1; }

code=$(ask --output "$work/answer" --write-out '%{http_code}' --header "Idempotency-Key: $(cat "$file.sleutel")" \
  --header 'Content-Type: application/octet-stream' --data-binary "@$file" "$api/deliveries?filename=$(basename "$file" | sed 's/ /%20/g')") || exit 4
if [ "$code" != 202 ]; then
  case $(head -c 1 "$work/answer") in
  '{') cat "$work/answer" >&2 ;; # een RFC 9457-document: detail zegt wat er is
  *) echo "onverwacht antwoord $code: klopt SLUIS_URL?" >&2 ;;
  esac
  [ "$code" -lt 500 ] && exit 2
  exit 4
fi
id=$(field id)
echo "aanlevering $id"

while :; do
  wait=$(ask --output "$work/answer" --write-out '%header{retry-after}' "$api/deliveries/$id") || exit 4
  status=$(field status)
  case "$status" in queued | processing | paused) ;; *) break ;; esac
  if [ "$(date +%s)" -ge "$until" ]; then
    echo "nog niet klaar ($status): start dit script later opnieuw, het gaat dan verder met deze aanlevering" >&2
    exit 4
  fi
  sleep "${wait:-5}"
done

read=$(field read) rejected=$(field rejected) review=$(field review)
echo "$status: $read records, $rejected afgewezen, $review te beoordelen"
case "$status" in
done) ;;
needs_mapping | needs_confirmation | checked)
  echo "Kies in Sluis hoe het verder moet: ${SLUIS_URL%/}/aanleveringen/$id"
  exit 3
  ;;
*)
  cat "$work/answer" >&2
  rm -f "$file.sleutel"
  exit 2
  ;;
esac
rm -f "$file.sleutel"
[ "$rejected" = 0 ] && exit 0
ask --output "${file%.*}-fouten.csv" "$api/deliveries/$id/report?format=csv" || exit 4
echo "foutenrapport: ${file%.*}-fouten.csv"
exit 1
