#!/usr/bin/env bash
# The axis's protocol (VXP) with curl and openssl: send, list, get, done.
#
#   export VXP_URL=https://localhost:8444/vxp VXP_SYSTEM_ID=000.00.90.H33 VXP_SECRET_FILE=secret VXP_CA=root.pem
#   ./vxp.sh send document.edxml [edoc|status]   {"status":"OK","DocId":…}
#   ./vxp.sh list [edoc|status]                  what waits
#   ./vxp.sh get DOCID document.edxml            its bytes
#   ./vxp.sh done DOCID                          it is stored here for good
#   ./vxp.sh sent                                what was sent, and where it stands
# The exit code is 0 where the reply says OK, and no other.
#
# How a call is signed: every parameter k=v is a header XroadVnpt-k; sign-header is the JSON object of all of them, in
# one order; hash-header is HMAC-SHA256 over exactly that text. Neither the secret nor a signature, which counts for a
# day, is ever an argument of a program: other users of this machine would see it in `ps`.
# Needs bash, openssl, od, and curl 7.55 or later.
set -euo pipefail

: "${VXP_URL:?export VXP_URL}" "${VXP_SYSTEM_ID:?export VXP_SYSTEM_ID}"
: "${VXP_SECRET_FILE:?export VXP_SECRET_FILE}" "${VXP_CA:?export VXP_CA}"

case $(find -L "$VXP_SECRET_FILE" -perm /077) in
  ?*) echo "$VXP_SECRET_FILE can be read by others: chmod 600 $VXP_SECRET_FILE" >&2; exit 2 ;;
esac
SECRET=$(< "$VXP_SECRET_FILE")

# HMAC-SHA256 of standard input, as RFC 2104 has it: openssl would take the key as an argument only
hmac() {
  local key inner='' outer='' at
  key=$(printf %s "$SECRET" | od -An -v -tx1 | tr -d ' \n')
  [ ${#key} -le 128 ] || key=$(printf %s "$SECRET" | sha256)
  printf -v key '%-128s' "$key"; key=${key// /0}
  for ((at = 0; at < 128; at += 2)); do
    printf -v inner '%s\\x%02x' "$inner" $((16#${key:at:2} ^ 0x36))
    printf -v outer '%s\\x%02x' "$outer" $((16#${key:at:2} ^ 0x5c))
  done
  { printf %b "$outer"; { printf %b "$inner"; cat; } | openssl dgst -sha256 -binary; } | sha256
}

sha256() { openssl dgst -sha256 -r | cut -d' ' -f1; }

# signed METHOD OPERATION CONTENT-TYPE [name=value …] -- curl arguments
signed() {
  local method=$1 operation=$2 type=$3 text='' names='' pair name value; shift 3
  local -a headers=()
  while [ "$1" != -- ]; do pair=$1; shift; set_header; done; shift
  for pair in "systemid=$VXP_SYSTEM_ID" "timestamp=$(TZ=Asia/Ho_Chi_Minh date +%d%m%YT%H%M%S)+0000" "Content-Type=$type"
  do set_header; done
  text="{$text}"
  local mac
  mac=$(printf '%s' "$text" | hmac)
  headers+=("XroadVnpt-sign-header-key: $names" "XroadVnpt-sign-header: $text" "XroadVnpt-hash-header: $mac")
  curl --silent --show-error --max-time 300 --tlsv1.2 --cacert "$VXP_CA" -X "$method" \
    -H @<(printf '%s\n' "${headers[@]}") -H "Content-Type: $type" "$@" "$VXP_URL/$operation"
}

set_header() {
  name=${pair%%=*} value=${pair#*=}
  case $value in *[\"\\$'\n\r']*) echo "a value may hold neither quotes, backslashes nor line ends: $value" >&2; exit 2 ;; esac
  headers+=("XroadVnpt-$name: $value")
  text="$text${text:+,}\"XroadVnpt-$name\":\"$value\""
  names="$names${names:+;}$name"
}

JSON='application/json' FORM='application/x-www-form-urlencoded' BYTES='application/octet-stream'
# told curl-arguments…: prints the reply; HTTP says 200 in any case, so this fails unless the reply says OK
told() {
  local reply
  reply=$(signed "$@")
  printf '%s\n' "$reply"
  [[ $reply =~ ^\{\"status\":\ *\"OK\" ]]
}

command=${1:-help}; shift || true
case $command in
  send)
    hash=$(sha256 < "$1")
    told POST sendEdoc "$BYTES" "from=$VXP_SYSTEM_ID" servicetype=eDoc "messagetype=${2:-edoc}" "hash-file=$hash" \
      -- --data-binary "@$1" ;;
  list) told POST getReceivedEdocList "$FORM" servicetype=eDoc "messagetype=${1:-edoc}" -- --data '' ;;
  get)
    signed GET downloadEdoc "$BYTES" "docId=$1" -- --fail --output "$2.part"
    sync "$2.part"; mv "$2.part" "$2" ;;
  done) told POST updateStatus "$JSON" "docId=$1" status=done -- --data '{}' ;;
  sent) told POST getSentEdocList "$FORM" servicetype=eDoc messagetype=edoc -- --data '' ;;
  *) sed -n '2,15p' "$0" | sed 's/^# \{0,1\}//'; exit 2 ;;
esac
