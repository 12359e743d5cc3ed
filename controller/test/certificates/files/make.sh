#!/bin/sh
# Makes the certificates and PKCS #12 files of this folder with OpenSSL 3: a chain of three with keys on P-256, and
# the same certificate and key in each form that tools write. The tests need none of this at run time.
set -eu
cd "$(dirname "$0")"
days=36500
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
printf '[ca]\nbasicConstraints=critical,CA:true\nsubjectKeyIdentifier=hash\n[leaf]\nbasicConstraints=CA:false\nauthorityKeyIdentifier=keyid\n' >"$work/extensions"
key() { openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out "$1"; }
request() { openssl req -new -key "$1" -subj "/CN=$2" -out "$work/request"; }
key "$work/root.key"
openssl req -x509 -key "$work/root.key" -subj /CN=root -days $days -out root.pem
key "$work/intermediate.key"
request "$work/intermediate.key" intermediate
openssl x509 -req -in "$work/request" -CA root.pem -CAkey "$work/root.key" -days $days -extfile "$work/extensions" -extensions ca -out intermediate.pem
key leaf.key
request leaf.key leaf
openssl x509 -req -in "$work/request" -CA intermediate.pem -CAkey "$work/intermediate.key" -days $days -extfile "$work/extensions" -extensions leaf -out leaf.pem
cat root.pem intermediate.pem >"$work/chain.pem"
export_as() {
	name=$1
	shift
	openssl pkcs12 -export -inkey leaf.key -in leaf.pem -certfile "$work/chain.pem" -out "$name.p12" -passout pass: "$@"
}
export_as aes256-sha256
export_as aes128-sha512 -keypbe AES-128-CBC -certpbe AES-128-CBC -macalg sha512
export_as rc2-40-and-3des -legacy
export_as 3des -legacy -descert
export_as rc2-128-and-2des -legacy -certpbe PBE-SHA1-RC2-128 -keypbe PBE-SHA1-2DES
export_as unencrypted -keypbe NONE -certpbe NONE -nomac
export_as rc4 -legacy -keypbe PBE-SHA1-RC4-128
export_as iterations-5000000 -iter 5000000
export_as without-key -nokeys
openssl pkcs12 -export -inkey leaf.key -in leaf.pem -out password.p12 -passout pass:x
openssl pkcs12 -export -legacy -inkey leaf.key -in leaf.pem -out password-3des.p12 -passout pass:x
openssl genrsa -out "$work/rsa.key" 2048
openssl req -x509 -key "$work/rsa.key" -subj /CN=rsa -days $days -out "$work/rsa.pem"
openssl pkcs12 -export -legacy -inkey "$work/rsa.key" -in "$work/rsa.pem" -out rsa.p12 -passout pass:
openssl pkey -in leaf.key -aes256 -passout pass:x -out encrypted.key
openssl ec -in leaf.key -aes128 -passout pass:x -out encrypted-old.key
