#!/usr/bin/env sh
# A script in the style of acme.sh's for a JSON API with a bearer token: looks its zone up, adds and deletes records.

dns_json_add() {
  fulldomain=$1
  txtvalue=$2
  _json_settings || return 1
  _json_zone "$fulldomain" || return 1
  _info "Adding the record"
  body="{\"name\":\"$fulldomain\",\"type\":\"TXT\",\"content\":\"$txtvalue\"}"
  _json_rest POST "zones/$_zone_id/records" "$body" || return 1
  if ! _contains "$response" "\"success\":\"yes\""; then
    _err "The record was not added: $response"
    return 1
  fi
  return 0
}

dns_json_rm() {
  fulldomain=$1
  txtvalue=$2
  _json_settings || return 1
  _json_zone "$fulldomain" || return 1
  _json_rest GET "zones/$_zone_id/records?name=$(printf '%s' "$fulldomain" | _url_encode)" || return 1
  record_id=$(printf '%s' "$response" | tr '{' '\n' | grep -- "\"content\":\"$txtvalue\"" | _egrep_o '"id":"[^"]*"' | _head_n 1 | cut -d '"' -f 4)
  _debug record_id "$record_id"
  if [ -z "$record_id" ]; then
    _info "Nothing to remove"
    return 0
  fi
  _json_rest DELETE "zones/$_zone_id/records/$record_id"
}

_json_settings() {
  JSON_Url="${JSON_Url:-$(_readaccountconf_mutable JSON_Url)}"
  JSON_Token="${JSON_Token:-$(_readaccountconf_mutable JSON_Token)}"
  if [ -z "$JSON_Url" ] || [ -z "$JSON_Token" ]; then
    _err "Please set JSON_Url and JSON_Token."
    return 1
  fi
  _saveaccountconf_mutable JSON_Url "$JSON_Url"
  _saveaccountconf_mutable JSON_Token "$JSON_Token"
}

# The longest zone that holds the name.
_json_zone() {
  i=1
  while true; do
    zone=$(printf "%s" "$1" | cut -d . -f $i-100)
    if [ -z "$zone" ]; then
      _err "There is no zone for $1"
      return 1
    fi
    _json_rest GET "zones?name=$zone" || return 1
    if _contains "$response" "\"name\":\"$zone\""; then
      _zone_id=$(echo "$response" | _egrep_o '"id":"[^"]*"' | _head_n 1 | cut -d : -f 2 | tr -d '"')
      _savedomainconf JSON_Zone "$_zone_id"
      return 0
    fi
    i=$(_math "$i" + 1)
  done
}

_json_rest() {
  export _H1="Authorization: Bearer $JSON_Token"
  export _H2="Accept: application/json"
  if [ "$1" != "GET" ]; then
    response=$(_post "$3" "$JSON_Url/$2" "" "$1" "application/json")
  else
    response=$(_get "$JSON_Url/$2")
  fi
  if [ "$?" != "0" ]; then
    _err "The request failed: $2"
    return 1
  fi
  response=$(printf '%s' "$response" | _normalizeJson)
  _debug2 response "$response"
  code=$(grep '^HTTP' "$HTTP_HEADER" | _tail_n 1 | cut -d ' ' -f 2)
  if [ "$code" != "200" ]; then
    _err "HTTP status $code"
    return 1
  fi
}
