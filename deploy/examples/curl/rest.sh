#!/usr/bin/env bash
# REST v1 with curl: send, list, fetch, acknowledge, answer.
#
#   export GATEWAY_URL=https://localhost:8443/api/v1 GATEWAY_TOKEN_FILE=token GATEWAY_CA=root.pem
#   ./rest.sh send document.edxml            the 202, JSON
#   ./rest.sh inbox                          what waits, JSON; nothing is consumed
#   ./rest.sh fetch ID document.edxml        the bytes of one item
#   ./rest.sh ack ID                         it is stored here for good
#   ./rest.sh ack ID document.edxml          the same, signed for these bytes with GATEWAY_SIGNING_KEY
#   ./rest.sh status ID 03 "Đã tiếp nhận"    the answer to an item
#   ./rest.sh deliveries MESSAGE             where a sent document stands
#   ./rest.sh connection                     your last requests, and why they were refused
#
# Sending the same file again is safe: the same receipt comes back. So every call is tried again when the line breaks
# or the gateway asks to wait (curl heeds Retry-After). Exit code 22: the gateway refused; its reason is printed.
# Needs curl 7.76 or later.
set -euo pipefail

: "${GATEWAY_URL:?export GATEWAY_URL, such as https://localhost:8443/api/v1}"
: "${GATEWAY_TOKEN_FILE:?export GATEWAY_TOKEN_FILE, the file with your token}"
: "${GATEWAY_CA:?export GATEWAY_CA, the CA that the gateway certificate leads to}"
case $(find -L "$GATEWAY_TOKEN_FILE" -perm /077) in
  ?*) echo "$GATEWAY_TOKEN_FILE can be read by others: chmod 600 $GATEWAY_TOKEN_FILE" >&2; exit 2 ;;
esac

call() {
  # the token goes by a file descriptor, where no other user of this machine sees it
  curl --silent --show-error --fail-with-body --retry 5 --retry-connrefused --max-time 300 \
    --tlsv1.2 --cacert "$GATEWAY_CA" -H @<(printf 'Authorization: Bearer %s\n' "$(cat "$GATEWAY_TOKEN_FILE")") "$@"
}

digest() { openssl dgst -sha256 -binary "$1" | openssl base64 -A; }
quoted() { printf '"%s"' "$(printf '%s' "$1" | sed 's/[\\"]/\\&/g')"; }

# RFC 9421, by an Ed25519 or RSA key (PEM, mode 0600) whose public half the operator has
signed_ack() {
  : "${GATEWAY_SIGNING_KEY:?export GATEWAY_SIGNING_KEY, the file with your private key}"
  local url="$GATEWAY_URL/inbox/$1/ack" received keyid input base
  received="sha-256=:$(digest "$2"):"
  keyid=$(openssl pkey -in "$GATEWAY_SIGNING_KEY" -pubout -outform DER | openssl dgst -sha256 -r | cut -d' ' -f1)
  input="(\"@method\" \"@target-uri\" \"gateway-document-digest\");created=$(date +%s)"
  input="$input;keyid=\"$keyid\";tag=\"gateway-receiver\""
  base=$(mktemp)
  printf '"@method": POST\n"@target-uri": %s\n"gateway-document-digest": %s\n"@signature-params": %s' \
    "$url" "$received" "$input" > "$base"
  call -X POST -H "Gateway-Document-Digest: $received" -H "Signature-Input: receiver=$input" \
    -H "Signature: receiver=:$(signature "$base"):" "$url"
  rm -f "$base"
}
signature() {
  case $(openssl pkey -in "$GATEWAY_SIGNING_KEY" -noout -text | head -1) in
    ED25519*) openssl pkeyutl -sign -rawin -inkey "$GATEWAY_SIGNING_KEY" -in "$1" | openssl base64 -A ;;
    *) openssl dgst -sha256 -sign "$GATEWAY_SIGNING_KEY" "$1" | openssl base64 -A ;;
  esac
}

command=${1:-help}; shift || true
case $command in
  send)
    call -X POST -H 'Content-Type: application/xml' -H "Content-Digest: sha-256=:$(digest "$1"):" \
      --data-binary "@$1" "$GATEWAY_URL/documents" ;;
  inbox) call "$GATEWAY_URL/inbox?limit=100" ;;
  fetch) call --output "$2.part" "$GATEWAY_URL/inbox/$1/content" && sync "$2.part" && mv "$2.part" "$2" ;;
  ack) if [ -n "${2:-}" ]; then signed_ack "$1" "$2"; else call -X POST "$GATEWAY_URL/inbox/$1/ack"; fi ;;
  status)
    call -X POST -H 'Content-Type: application/json' -H "Idempotency-Key: \"$1-$2\"" \
      --data-binary "{\"code\": $(quoted "$2"), \"description\": $(quoted "${3:-}")}" "$GATEWAY_URL/inbox/$1/status" ;;
  deliveries) call "$GATEWAY_URL/documents/$1/deliveries" ;;
  connection) call "$GATEWAY_URL/connection" ;;
  *) sed -n '2,16p' "$0" | sed 's/^# \{0,1\}//'; exit 2 ;;
esac
echo
