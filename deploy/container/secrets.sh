#!/bin/sh
# Makes the secrets of the rehearsal, once: keys, a password, and a certificate that signs itself.
set -eu
cd "$(dirname "$0")"
[ ! -e secrets ] || { echo "there are secrets already: remove the folder secrets to start afresh" >&2; exit 1; }
umask 027
mkdir secrets
head -c 32 /dev/urandom | base64 > secrets/session.key
head -c 32 /dev/urandom | base64 > secrets/file-mac.key
head -c 24 /dev/urandom | base64 | tr '+/' '-_' | tr -d '\n' > secrets/database-password
printf 'postgres://sluis:%s@database:5432/sluis?sslmode=verify-full&sslrootcert=/run/secrets/tls-cert' "$(cat secrets/database-password)" > secrets/database-url
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 90 -subj "/CN=Sluis rehearsal" \
  -addext "subjectAltName=DNS:localhost,DNS:ttp,DNS:database,IP:127.0.0.1" -keyout secrets/tls.key -out secrets/tls.crt 2>/dev/null
cp secrets/tls.key secrets/database.key
echo "secrets made; the containers' users (65532, and 999 for database.key) must be able to read them:"
echo "  sudo chgrp -R 65532 secrets && sudo chmod 750 secrets && sudo chown 999:999 secrets/database.key secrets/database-password && sudo chmod 600 secrets/database.key"
