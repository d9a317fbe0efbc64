#!/usr/bin/env bash
# The axis's protocol (VXP) with curl and openssl: send, list, get, done.
#
#   export VXP_URL=https://localhost:8444/vxp VXP_SYSTEM_ID=000.00.90.H33 VXP_SECRET_FILE=secret VXP_CA=root.pem
#   ./vxp.sh send document.edxml [edoc|status]   {"status":"OK","DocId":…}
#   ./vxp.sh list [edoc|status]                  what waits
#   ./vxp.sh get DOCID document.edxml            its bytes
#   ./vxp.sh done DOCID                          it is stored here for good
#   ./vxp.sh sent                                what was sent, and where it stands
#
# How a call is signed: every parameter k=v is a header XroadVnpt-k; sign-header is the JSON object of all of them, in
# one order; hash-header is HMAC-SHA256 over exactly that text. `openssl` gets the secret on its command line, which
# other users of the same machine can see: for a machine of your own.
set -euo pipefail

: "${VXP_URL:?export VXP_URL}" "${VXP_SYSTEM_ID:?export VXP_SYSTEM_ID}"
: "${VXP_SECRET_FILE:?export VXP_SECRET_FILE}" "${VXP_CA:?export VXP_CA}"

# signed METHOD OPERATION CONTENT-TYPE [name=value …] -- curl arguments
signed() {
  local method=$1 operation=$2 type=$3 text='' names='' pair name value; shift 3
  local -a headers=()
  while [ "$1" != -- ]; do pair=$1; shift; set_header; done; shift
  for pair in "systemid=$VXP_SYSTEM_ID" "timestamp=$(TZ=Asia/Ho_Chi_Minh date +%d%m%YT%H%M%S)+0000" "Content-Type=$type"
  do set_header; done
  text="{$text}"
  local mac
  mac=$(printf '%s' "$text" | openssl dgst -sha256 -hmac "$(cat "$VXP_SECRET_FILE")" | sed 's/.*= *//')
  curl --silent --show-error --max-time 300 --tlsv1.2 --cacert "$VXP_CA" -X "$method" "${headers[@]}" \
    -H "XroadVnpt-sign-header-key: $names" -H "XroadVnpt-sign-header: $text" -H "XroadVnpt-hash-header: $mac" \
    -H "Content-Type: $type" "$@" "$VXP_URL/$operation"
}

set_header() {
  name=${pair%%=*} value=${pair#*=}
  case $value in *[\"\\]*) echo "a value may hold neither quotes nor backslashes: $value" >&2; exit 2 ;; esac
  headers+=(-H "XroadVnpt-$name: $value")
  text="$text${text:+,}\"XroadVnpt-$name\":\"$value\""
  names="$names${names:+;}$name"
}

JSON='application/json' FORM='application/x-www-form-urlencoded' BYTES='application/octet-stream'
command=${1:-help}; shift || true
case $command in
  send)
    hash=$(openssl dgst -sha256 "$1" | sed 's/.*= *//')
    signed POST sendEdoc "$BYTES" "from=$VXP_SYSTEM_ID" servicetype=eDoc "messagetype=${2:-edoc}" "hash-file=$hash" \
      -- --data-binary "@$1" ;;
  list) signed POST getReceivedEdocList "$FORM" servicetype=eDoc "messagetype=${1:-edoc}" -- --data '' ;;
  get)
    signed GET downloadEdoc "$BYTES" "docId=$1" -- --fail --output "$2.part"
    sync "$2.part"; mv "$2.part" "$2" ;;
  done) signed POST updateStatus "$JSON" "docId=$1" status=done -- --data '{}' ;;
  sent) signed POST getSentEdocList "$FORM" servicetype=eDoc messagetype=edoc -- --data '' ;;
  *) sed -n '2,13p' "$0" | sed 's/^# \{0,1\}//'; exit 2 ;;
esac
echo
