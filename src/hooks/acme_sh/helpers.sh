# Helpers for DNS scripts in acme.sh's dialect (dnsapi), for any POSIX shell. Needs curl, openssl, and the common tools.
#
# Call: sh helpers.sh SCRIPT FUNCTION ARGUMENT…   SCRIPT is sourced, then FUNCTION is called with the arguments.
# Sourced without arguments, it only defines the helpers.
#
# CACERT_HOOK_STATE is the folder for saved values and temporary files; nothing in it is ever sourced. What is secret
# goes to curl and openssl through files and pipes, never through their arguments, which every user can read.

umask 077

DEBUG_LEVEL_1=1
DEBUG_LEVEL_2=2
DEBUG_LEVEL_3=3
DEBUG=${DEBUG:-}
ACME_OPENSSL_BIN=${ACME_OPENSSL_BIN:-openssl}
USER_AGENT=${USER_AGENT:-cacert-acme}
ECC_SEP=_
ECC_SUFFIX=_ecc
PROJECT_NAME=cacert-acme
NO_VALUE=no
LE_WORKING_DIR=${LE_WORKING_DIR:-$HOME/.acme.sh}
LE_CONFIG_HOME=${LE_CONFIG_HOME:-$LE_WORKING_DIR}
HTTP_HEADER=${HTTP_HEADER:-}
_H1=${_H1:-} _H2=${_H2:-} _H3=${_H3:-} _H4=${_H4:-} _H5=${_H5:-}
response=${response:-}

# ---- Messages: all on standard error, for standard output is what functions return.

_cacert_tell() {
  _cacert_level=$1
  shift
  # «name value» is told as name='value'.
  if [ "$#" -ge 2 ]; then
    printf "%s%s='%s'\n" "$_cacert_level" "$1" "$2" >&2
  else
    printf '%s%s\n' "$_cacert_level" "$1" >&2
  fi
}

_info() { _cacert_tell '' "$@"; }
_log() { _cacert_tell '' "$@"; }
_usage() { _cacert_tell '' "$@"; }
_err() {
  _cacert_tell 'error: ' "$@"
  return 1
}

_cacert_debugs() { [ "${DEBUG:-0}" -ge "$1" ] 2>/dev/null; }

_debug() { if _cacert_debugs 1; then _cacert_tell 'debug: ' "$@"; fi; }
_debug2() { if _cacert_debugs 2; then _cacert_tell 'debug: ' "$@"; fi; }
_debug3() { if _cacert_debugs 3; then _cacert_tell 'debug: ' "$@"; fi; }
# What is secret is not told, whatever the level.
_secure_debug() { _debug "$1" '[hidden]'; }
_secure_debug2() { _debug2 "$1" '[hidden]'; }
_secure_debug3() { _debug3 "$1" '[hidden]'; }

# ---- Text

_lower_case() { tr '[:upper:]' '[:lower:]'; }
_upper_case() { tr '[:lower:]' '[:upper:]'; }
_head_n() { head -n "$1"; }
_tail_n() { tail -n "$1"; }
_egrep_o() { grep -E -o -- "$1" 2>/dev/null; }

# The second is a basic regular expression; scripts rely on that.
_contains() { printf '%s\n' "$1" | grep -q -- "$2" 2>/dev/null; }
_startswith() { case $1 in "$2"*) return 0 ;; *) return 1 ;; esac; }
_endswith() { case $1 in *"$2") return 0 ;; *) return 1 ;; esac; }

# _getfield TEXT NUMBER [SEPARATOR]: that field, or the nearest one before it that is not empty.
_getfield() {
  if [ -z "$2" ]; then
    _usage "Usage: _getfield TEXT NUMBER [SEPARATOR]"
    return 1
  fi
  _cacert_field=$2
  while [ "$_cacert_field" -gt 0 ]; do
    _cacert_value=$(printf '%s\n' "$1" | cut -d "${3:-,}" -f "$_cacert_field")
    if [ -n "$_cacert_value" ]; then
      printf '%s\n' "$_cacert_value"
      return 0
    fi
    _cacert_field=$((_cacert_field - 1))
  done
  printf '\n'
}

# JSON on one line, without the blanks around colons, so that patterns match.
_normalizeJson() {
  sed -e 's/^[[:blank:]]*//' -e 's/"[[:blank:]]*:[[:blank:]]*\(["{[]\)/":\1/g' | tr -d '\r\n'
}

_json_decode() {
  sed -e 's/\\\\/\\x5c/g' -e 's/\\"/"/g' -e 's|\\/|/|g' -e 's/\\t/	/g' -e 's/\\n/\
/g' -e 's/\\x5c/\\/g'
}

# _sed_i EXPRESSION… FILE: edits in place with any sed.
_sed_i() {
  if [ "$#" -lt 2 ]; then
    _usage "Usage: _sed_i EXPRESSION FILE"
    return 1
  fi
  for _cacert_file in "$@"; do :; done
  _cacert_edited=$(_mktemp) || return 1
  sed "$@" >"$_cacert_edited" && cat "$_cacert_edited" >"$_cacert_file"
  _cacert_status=$?
  rm -f "$_cacert_edited"
  return "$_cacert_status"
}

# Names reach us as A-labels already; one that a script makes up may not be.
_idn() {
  if printf '%s' "$1" | LC_ALL=C grep -q '[^ -~]'; then
    if _exists idn2; then
      idn2 "$1"
    elif _exists idn; then
      idn "$1"
    else
      _err "the name $1 needs the program idn2"
    fi
  else
    printf '%s\n' "$1"
  fi
}

# ---- Numbers, time, programs, files

_math() { printf '%s' "$(($*))"; }
_time() { date -u +%s; }
_utc_date() { date -u '+%Y-%m-%d %H:%M:%S'; }
_exists() { command -v "$1" >/dev/null 2>&1; }
_sleep() { sleep "$1"; }
_mktemp() { mktemp "$(_cacert_folder)/tmp.XXXXXX"; }

# The folder for this call's temporary files.
_cacert_folder() { printf '%s' "${_cacert_tmp:-${TMPDIR:-/tmp}}"; }

# ---- Encodings, digests, signatures. All read standard input.

# With an argument on lines of 64 characters, else on one.
_base64() {
  if [ -n "${1:-}" ]; then
    "$ACME_OPENSSL_BIN" base64 -e
  else
    "$ACME_OPENSSL_BIN" base64 -e | tr -d '\r\n'
  fi
}

_dbase64() {
  if [ -n "${1:-}" ]; then
    "$ACME_OPENSSL_BIN" base64 -d
  else
    "$ACME_OPENSSL_BIN" base64 -d -A
  fi
}

_url_replace() { tr '/+' '_-' | tr -d '= \r\n'; }

# « 61 62»: each byte with a blank before it.
_hex_dump() { od -A n -v -t x1 | tr -d '\r\t\n' | tr -s ' ' | sed 's/ *$//'; }

# Hexadecimal text to bytes.
_h2b() {
  # printf knows octal everywhere, and %b lets no byte be taken for a conversion.
  printf '%b' "$(tr -d ' \r\n' | _lower_case | awk '{
    digits = "0123456789abcdef"
    for (i = 1; i < length($0); i += 2)
      printf "\\0%03o", (index(digits, substr($0, i, 1)) - 1) * 16 + index(digits, substr($0, i + 1, 1)) - 1
  }')"
}

# RFC 3986; with upper-hex in capitals.
_url_encode() {
  _hex_dump | awk -v capitals="${1:-}" '{
    plain = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~"
    digits = "0123456789abcdef"
    for (i = 1; i <= NF; i++) {
      code = (index(digits, substr($i, 1, 1)) - 1) * 16 + index(digits, substr($i, 2, 1)) - 1
      shown = code < 128 ? sprintf("%c", code) : ""
      if (shown != "" && index(plain, shown)) printf "%s", shown
      else printf "%%%s", (capitals == "upper-hex" ? toupper($i) : $i)
    }
  }'
}

# _digest ALGORITHM [hex]: in base64, or in hexadecimal.
_digest() {
  if [ -n "${2:-}" ]; then
    "$ACME_OPENSSL_BIN" dgst -"$1" -binary | _hex_dump | tr -d ' '
  else
    "$ACME_OPENSSL_BIN" dgst -"$1" -binary | _base64
  fi
}

# HEX BYTE: each byte of the hexadecimal text by exclusive or with this one.
_cacert_xor() {
  for _cacert_byte in $(printf '%s' "$1" | sed 's/../& /g'); do
    printf '%02x' "$((0x$_cacert_byte ^ $2))"
  done
}

# _hmac ALGORITHM KEY_IN_HEX [hex] (RFC 2104): in base64, or in hexadecimal. Made of digests, for openssl takes an HMAC's
# key as an argument only.
_hmac() {
  case $1 in
    sha384 | sha512) _cacert_block=256 ;;
    *) _cacert_block=128 ;;
  esac
  _cacert_key=$2
  if [ "${#_cacert_key}" -gt "$_cacert_block" ]; then
    _cacert_key=$(printf '%s' "$_cacert_key" | _h2b | _digest "$1" hex)
  fi
  while [ "${#_cacert_key}" -lt "$_cacert_block" ]; do _cacert_key=${_cacert_key}00; done
  _cacert_inner=$({ _cacert_xor "$_cacert_key" 54 | _h2b; cat; } | _digest "$1" hex)
  printf '%s%s' "$(_cacert_xor "$_cacert_key" 92)" "$_cacert_inner" | _h2b | _digest "$1" "${3:-}"
}

# _sign KEYFILE ALGORITHM: in base64.
_sign() {
  if [ -z "${2:-}" ]; then
    _usage "Usage: _sign KEYFILE ALGORITHM"
    return 1
  fi
  "$ACME_OPENSSL_BIN" dgst -"$2" -sign "$1" | _base64
}

_isRSA() { grep -q 'BEGIN RSA PRIVATE KEY' "$1" || "$ACME_OPENSSL_BIN" rsa -in "$1" -noout 2>/dev/null; }

# The SHA-256 of a certificate, as other programs show it.
_fingerprint() { "$ACME_OPENSSL_BIN" x509 -in "$1" -noout -fingerprint -sha256 | cut -d = -f 2 | tr -d :; }

# ---- Values that outlive a run: KEY='value' lines in files of ours. acme.sh's own account.conf is read, not written.

_cacert_account_conf() { printf '%s/account.conf' "$CACERT_HOOK_STATE"; }
_cacert_domain_conf() { printf '%s/%s.conf' "$CACERT_HOOK_STATE" "${CACERT_HOOK_DOMAIN:-domain}"; }

# FILE KEY
_cacert_read() {
  [ -f "$1" ] || return 0
  _cacert_value=$(sed -n "s/^$2='\(.*\)'[[:blank:]]*\$/\1/p" "$1" | head -n 1)
  case $_cacert_value in
    __ACME_BASE64__START_*__ACME_BASE64__END_)
      _cacert_value=${_cacert_value#__ACME_BASE64__START_}
      printf '%s' "${_cacert_value%__ACME_BASE64__END_}" | _dbase64 ;;
    *) printf '%s\n' "$_cacert_value" ;;
  esac
}

# FILE KEY [LINE]: the file without the key, or with this line for it. It is replaced as a whole; whoever calls us holds a
# lock, so that no two calls do it at once.
_cacert_replace() {
  # Beside it, for only so can it take its place at once; what a killed call leaves goes away with its folder.
  _cacert_kept=$(mktemp "${_cacert_tmp:-$CACERT_HOOK_STATE}/conf.XXXXXX") || return 1
  {
    # Status 1 only says that no other line is there.
    { [ ! -f "$1" ] || grep -v "^$2=" "$1" || [ "$?" = 1 ]; } &&
      { [ -z "${3:-}" ] || printf '%s\n' "$3"; }
  } >"$_cacert_kept" && chmod 600 "$_cacert_kept" && mv -f "$_cacert_kept" "$1" && return 0
  rm -f "$_cacert_kept"
  return 1
}

# FILE KEY
_cacert_clear() { [ ! -f "$1" ] || _cacert_replace "$1" "$2"; }

# FILE KEY VALUE [base64]
_cacert_save() {
  _cacert_value=$3
  _cacert_encode=${4:-}
  # What does not fit into quotes on one line is encoded, whatever the script says.
  case $_cacert_value in
    *"'"* | *'
'*) _cacert_encode=base64 ;;
  esac
  if [ -n "$_cacert_encode" ]; then
    _cacert_value=__ACME_BASE64__START_$(printf '%s' "$_cacert_value" | _base64)__ACME_BASE64__END_
  fi
  _cacert_replace "$1" "$2" "$2='$_cacert_value'"
}

_saveaccountconf() { _cacert_save "$(_cacert_account_conf)" "$@"; }
_clearaccountconf() { _cacert_clear "$(_cacert_account_conf)" "$1"; }
_readaccountconf() {
  _cacert_found=$(_cacert_read "$(_cacert_account_conf)" "$1")
  if [ -z "$_cacert_found" ]; then
    _cacert_found=$(_cacert_read "${ACCOUNT_CONF_PATH:-$LE_CONFIG_HOME/account.conf}" "$1")
  fi
  printf '%s\n' "$_cacert_found"
}

_saveaccountconf_mutable() {
  _cacert_mutable=SAVED_$1
  shift
  _saveaccountconf "$_cacert_mutable" "$@"
}
_clearaccountconf_mutable() {
  _clearaccountconf "SAVED_$1"
  _clearaccountconf "$1"
}
_readaccountconf_mutable() { _readaccountconf "SAVED_$1"; }

_savedomainconf() { _cacert_save "$(_cacert_domain_conf)" "$@"; }
_cleardomainconf() { _cacert_clear "$(_cacert_domain_conf)" "$1"; }
_readdomainconf() { _cacert_read "$(_cacert_domain_conf)" "$1"; }

# ---- HTTP by curl. Requests carry _H1 to _H5; response headers are left in the file HTTP_HEADER.

# One line of a curl config file.
_cacert_option() {
  printf '%s = "' "$1"
  printf '%s' "$2" | tr -d '\r\n' | sed 's/\\/\\\\/g; s/"/\\"/g'
  printf '"\n'
}

# METHOD URL TIMEOUT CONTENT_TYPE [BODYFILE]: the common part of all requests.
_cacert_request() {
  if [ -z "$HTTP_HEADER" ] || [ ! -f "$HTTP_HEADER" ]; then HTTP_HEADER=$(_mktemp) || return 1; fi
  _cacert_config=$(_mktemp) || return 1
  {
    printf 'silent\nshow-error\nlocation\n'
    printf 'globoff\n'
    _cacert_option url "$2"
    _cacert_option dump-header "$HTTP_HEADER"
    _cacert_option user-agent "$USER_AGENT"
    case $1 in
      GET) ;;
      HEAD) printf 'head\n' ;;
      *) _cacert_option request "$1" ;;
    esac
    if [ -n "$3" ]; then _cacert_option connect-timeout "$3"; fi
    if [ -n "$4" ]; then _cacert_option header "Content-Type: $4"; fi
    if [ -n "${5:-}" ]; then _cacert_option data-binary "@$5"; fi
    for _cacert_header in "$_H1" "$_H2" "$_H3" "$_H4" "$_H5"; do
      if [ -n "$_cacert_header" ]; then _cacert_option header "$_cacert_header"; fi
    done
    if [ -n "${HTTPS_INSECURE:-}" ]; then printf 'insecure\n'; fi
    if [ -n "${CA_BUNDLE:-}" ]; then _cacert_option cacert "$CA_BUNDLE"; fi
    if [ -n "${CA_PATH:-}" ]; then _cacert_option capath "$CA_PATH"; fi
  } >"$_cacert_config"
  curl -q --config "$_cacert_config"
  _cacert_status=$?
  rm -f "$_cacert_config"
  if [ "$_cacert_status" != 0 ]; then _err "curl ended with status $_cacert_status"; fi
  return "$_cacert_status"
}

# _get URL [ONLYHEADER] [TIMEOUT]
_get() {
  if [ -n "${2:-}" ]; then
    _cacert_request HEAD "$1" "${3:-}" ''
  else
    _cacert_request GET "$1" "${3:-}" ''
  fi
}

# _post BODY URL [BASE64] [METHOD] [CONTENT_TYPE]; with BASE64 the answer is given in base64.
_post() {
  _cacert_body=$(_mktemp) || return 1
  printf '%s' "$1" >"$_cacert_body"
  _cacert_answer=$(_mktemp) || return 1
  _cacert_request "${4:-POST}" "$2" '' "${5:-}" "$_cacert_body" >"$_cacert_answer"
  _cacert_posted=$?
  if [ -n "${3:-}" ]; then
    _base64 <"$_cacert_answer"
  else
    cat "$_cacert_answer"
  fi
  rm -f "$_cacert_body" "$_cacert_answer"
  return "$_cacert_posted"
}

# Nothing is kept between requests but the headers' file.
_resethttp() { : >"$HTTP_HEADER"; }

# _ns_lookup NAME TYPE
_ns_lookup() {
  if ! _exists dig; then
    _err "to look up $1 the program dig is needed"
    return 1
  fi
  dig +short "$1" "$2"
}

# ---- What runs: only as a program with arguments.

if [ "$#" -ge 2 ]; then
  _cacert_script=$1
  _cacert_function=$2
  shift 2
  # A call that was killed could not tidy up; whoever made it has ended by now, or does it himself.
  for _cacert_old in "$CACERT_HOOK_STATE"/call.*; do
    _cacert_caller=${_cacert_old##*/call.}
    if [ -d "$_cacert_old" ] && ! kill -0 "${_cacert_caller%%.*}" 2>/dev/null; then rm -rf "$_cacert_old"; fi
  done
  _cacert_tmp=$(mktemp -d "$CACERT_HOOK_STATE/call.$PPID.XXXXXX") || exit 1
  trap 'rm -rf "$_cacert_tmp"' EXIT
  trap 'exit 130' INT
  trap 'exit 143' TERM
  trap 'exit 129' HUP
  HTTP_HEADER=$_cacert_tmp/headers
  : >"$HTTP_HEADER"
  # The script is another's: found where it is, never searched for.
  . "$_cacert_script" || exit 1
  "$_cacert_function" "$@"
fi
