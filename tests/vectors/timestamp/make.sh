#!/usr/bin/env bash
# Makes the vectors of this folder anew with OpenSSL: a root CA, a CA below it, an RSA time-stamp authority whose certificate
# ends two minutes after the token, and its token over `checkpoint.note`. The keys are thrown away. So the token is one whose
# certificate has expired, as every token will be some day.
set -euo pipefail
here="$(cd "$(dirname "$0")" && pwd)"
work="$(mktemp -d)"
trap 'rm -rf "$work"' EXIT
cd "$work"
stamp() { date -u -d "$1" +%y%m%d%H%M%SZ; }
cat >ca.cnf <<'END'
[req]
distinguished_name = name
[name]
[ca]
default_ca = one
[one]
database = ./index
new_certs_dir = .
serial = ./serial
default_md = sha256
policy = any
[any]
commonName = supplied
[root]
basicConstraints = critical, CA:TRUE
keyUsage = critical, keyCertSign, cRLSign
subjectKeyIdentifier = hash
[tsa]
basicConstraints = critical, CA:FALSE
keyUsage = critical, digitalSignature
extendedKeyUsage = critical, timeStamping
subjectKeyIdentifier = hash
authorityKeyIdentifier = keyid
[time]
default_tsa = arcadia
[arcadia]
serial = ./tsa-serial
signer_cert = ./tsa.pem
certs = ./issuing.pem
signer_key = ./tsa.key
signer_digest = sha512
default_policy = 1.2.3.4.1
digests = sha256
accuracy = secs:1, millisecs:500, microsecs:100
clock_precision_digits = 6
ordering = yes
tsa_name = yes
ess_cert_id_chain = yes
ess_cert_id_alg = sha256
END
touch index
echo 01 >serial
echo 01 >tsa-serial
for name in root issuing tsa; do
    openssl genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:2048 -out "$name.key" 2>/dev/null
    openssl req -new -config ca.cnf -key "$name.key" -subj "/CN=Arcadia $name" -out "$name.csr"
done
year="$(stamp '1 year')"
issue() { openssl ca -batch -notext -config ca.cnf -startdate "$(stamp '1 hour ago')" "$@" 2>/dev/null; }
issue -selfsign -keyfile root.key -in root.csr -extensions root -enddate "$year" -out root.pem
issue -cert root.pem -keyfile root.key -in issuing.csr -extensions root -enddate "$year" -out issuing.pem
issue -cert issuing.pem -keyfile issuing.key -in tsa.csr -extensions tsa -enddate "$(stamp '2 minutes')" -out tsa.pem
openssl ts -query -data "$here/checkpoint.note" -sha256 -cert -out query.tsq
openssl ts -reply -config ca.cnf -section arcadia -queryfile query.tsq -out "$here/expired.tsr"
openssl x509 -in root.pem -outform DER -out "$here/root.der"
openssl x509 -in issuing.pem -outform DER -out "$here/issuing.der"
openssl ts -verify -data "$here/checkpoint.note" -in "$here/expired.tsr" -CAfile root.pem
