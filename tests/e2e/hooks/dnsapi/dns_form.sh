#!/usr/bin/env sh
# A script in the style of acme.sh's for a form API: fields in the body, each request signed, an answer of fields.

dns_form_add() {
  _form_request add "$1" "$2" || return 1
  _info "Added."
}

dns_form_rm() {
  _form_request delete "$1" "$2" || return 1
  _info "Removed."
}

_form_request() {
  FORM_Url="${FORM_Url:-$(_readaccountconf_mutable FORM_Url)}"
  FORM_User="${FORM_User:-$(_readaccountconf_mutable FORM_User)}"
  FORM_Secret="${FORM_Secret:-$(_readaccountconf_mutable FORM_Secret)}"
  if [ -z "$FORM_Url" ] || [ -z "$FORM_User" ] || [ -z "$FORM_Secret" ]; then
    _err "Please set FORM_Url, FORM_User and FORM_Secret."
    return 1
  fi
  _saveaccountconf_mutable FORM_Url "$FORM_Url"
  _saveaccountconf_mutable FORM_User "$FORM_User"
  _saveaccountconf_mutable FORM_Secret "$FORM_Secret" "base64"
  action=$(echo "$1" | _upper_case)
  data="action=$action&name=$(printf '%s' "$2" | _url_encode)&text=$(printf '"%s"' "$3" | _url_encode upper-hex)"
  key=$(printf '%s' "$FORM_Secret" | _hex_dump | tr -d ' ')
  signature=$(printf '%s' "$data" | _hmac sha256 "$key" hex)
  export _H1="Authorization: Basic $(printf '%s' "$FORM_User:$signature" | _base64)"
  response=$(_post "$data" "$FORM_Url")
  error=$(_getfield "$(_getfield "$response" 1 '&')" 2 '=')
  if ! _startswith "$response" "error=" || [ "$error" != 0 ]; then
    _err "The service said: $response"
    return 1
  fi
}
