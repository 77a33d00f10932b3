#!/usr/bin/env sh
# A script in the style of acme.sh's for RFC 2136, by nsupdate.

dns_update_add() {
  _update "update add $1. 60 in txt \"$2\"" || return 1
}

dns_update_rm() {
  _update "update delete $1. in txt \"$2\"" || return 1
}

_update() {
  UPDATE_Server="${UPDATE_Server:-$(_readaccountconf_mutable UPDATE_Server)}"
  UPDATE_Port="${UPDATE_Port:-$(_readaccountconf_mutable UPDATE_Port)}"
  UPDATE_Key="${UPDATE_Key:-$(_readaccountconf_mutable UPDATE_Key)}"
  _saveaccountconf_mutable UPDATE_Server "$UPDATE_Server"
  _saveaccountconf_mutable UPDATE_Port "$UPDATE_Port"
  _saveaccountconf_mutable UPDATE_Key "$UPDATE_Key"
  if ! _exists nsupdate; then
    _err "nsupdate is missing"
    return 1
  fi
  [ -n "$DEBUG" ] && [ "$DEBUG" -ge "$DEBUG_LEVEL_1" ] && nsdebug="-d"
  # shellcheck disable=SC2086
  if ! nsupdate -k "$UPDATE_Key" $nsdebug <<UPDATE; then
server $UPDATE_Server ${UPDATE_Port:-53}
$1
send
UPDATE
    _err "The update was refused"
    return 1
  fi
}
