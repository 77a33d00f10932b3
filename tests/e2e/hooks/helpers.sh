# What the helpers for acme.sh's DNS scripts do, function by function. Call: sh helpers.sh LIBRARY FOLDER URL
# URL is a service that answers with what it was asked.
library=$1
CACERT_HOOK_STATE=$2
url=$3
HOME=$2
set --
. "$library"
failures=0

# is NAME WANTED FOUND
is() {
  if [ "$2" != "$3" ]; then
    printf 'not %s: wanted <%s>, found <%s>\n' "$1" "$2" "$3"
    failures=$((failures + 1))
  fi
}

# holds NAME COMMAND…; fails NAME COMMAND…
holds() {
  what=$1
  shift
  "$@" 2>/dev/null || is "$what" true false
}
fails() {
  what=$1
  shift
  if "$@" 2>/dev/null; then is "$what" false true; fi
}

# ---- messages
is _info 'hello' "$(_info hello 2>&1)"
is '_info of a value' "name='value'" "$(_info name value 2>&1)"
is '_info leaves standard output alone' '' "$(_info hello 2>/dev/null)"
is _err 'error: bad' "$(_err bad 2>&1)"
fails '_err succeeds' _err bad
is '_debug without DEBUG' '' "$(_debug hello 2>&1)"
is _debug "debug: a='b'" "$(DEBUG=1 _debug a b 2>&1)"
is '_debug2 at 1' '' "$(DEBUG=1 _debug2 a b 2>&1)"
is '_debug2 at 2' 'debug: a' "$(DEBUG=2 _debug2 a 2>&1)"
is '_debug3 at 3' 'debug: a' "$(DEBUG=3 _debug3 a 2>&1)"
is _secure_debug "debug: token='[hidden]'" "$(DEBUG=3 _secure_debug token hunter2 2>&1)"
is _secure_debug2 "debug: token='[hidden]'" "$(DEBUG=3 _secure_debug2 token hunter2 2>&1)"
is _secure_debug3 "debug: token='[hidden]'" "$(DEBUG=3 _secure_debug3 token hunter2 2>&1)"
is _usage 'so' "$(_usage so 2>&1)"
is _log 'so' "$(_log so 2>&1)"

# ---- text
is _lower_case abc-1 "$(echo AbC-1 | _lower_case)"
is _upper_case ABC-1 "$(echo AbC-1 | _upper_case)"
is _head_n 1 "$(printf '1\n2\n3\n' | _head_n 1)"
is _tail_n 3 "$(printf '1\n2\n3\n' | _tail_n 1)"
is _egrep_o '"id":"7"' "$(echo '{"id":"7","x":1}' | _egrep_o '"id":"[^"]*"')"
holds _contains _contains '{"id":17}' '"id":[0-9]'
holds '_contains with a hyphen' _contains 'a --b' '--b'
fails '_contains what is not there' _contains abc x
holds _startswith _startswith '[a' '['
fails '_startswith elsewhere' _startswith abc b
holds _endswith _endswith 'a*' '*'
fails '_endswith elsewhere' _endswith abc b
is _getfield b "$(_getfield 'a,b,c' 2)"
is '_getfield with a separator' 0 "$(_getfield 'error=0' 2 =)"
is '_getfield of an empty field' a "$(_getfield 'a,,c' 2)"
fails '_getfield without a number' _getfield a
is _normalizeJson '{"a":"b","c":["d"]}' "$(printf '{ "a" : "b",\n  "c": ["d"] }' | _normalizeJson | tr -d ' ')"
is '_normalizeJson keeps blanks in texts' '{"a":"b c"}' "$(printf '{"a" : "b c"}\n' | _normalizeJson)"
is _json_decode 'a/"b\' "$(printf '%s' 'a\/\"b\\' | _json_decode)"
is _idn xn--a.test "$(_idn xn--a.test)"
printf 'a\nb\n' >"$CACERT_HOOK_STATE/edited"
_sed_i s/b/c/ "$CACERT_HOOK_STATE/edited"
is _sed_i a,c, "$(tr '\n' , <"$CACERT_HOOK_STATE/edited")"
fails '_sed_i without a file' _sed_i s/b/c/

# ---- numbers, time, programs, files
is _math 7 "$(_math 1 + 2 '*' 3)"
holds _time [ "$(_time)" -gt 1700000000 ]
case $(_utc_date) in 20??-??-??' '??:??:??) ;; *) is _utc_date 'a date' "$(_utc_date)" ;; esac
holds _exists _exists sed
fails '_exists of nothing' _exists no-such-program
holds _sleep _sleep 0
temporary=$(_mktemp)
holds _mktemp [ -f "$temporary" ]
rm -f "$temporary"

# ---- encodings
is _base64 aGVsbG8= "$(printf hello | _base64)"
long=$(printf '%080d' 0)
is '_base64 on one line' 1 "$(printf %s "$long" | _base64 | awk 'END { print NR }')"
is '_base64 on lines' 2 "$(printf %s "$long" | _base64 multiline | awk 'END { print NR }')"
is _dbase64 hello "$(printf aGVsbG8= | _dbase64)"
is '_dbase64 of lines' hello "$(printf 'aGVs\nbG8=\n' | _dbase64 multiline)"
is _url_replace a-_ "$(printf 'a+/=' | _url_replace)"
is _hex_dump ' 61 62 0a' "$(printf 'ab\n' | _hex_dump)"
is _h2b '  0 377 045 134 012' "$(printf '00FF255c0a' | _h2b | od -A n -t o1 | tr -s ' ' | sed 's/^ 000/  0/')"
is _url_encode 'a%25b%20%c3%a9%2f-._~' "$(printf 'a%%b é/-._~' | _url_encode)"
is '_url_encode upper-hex' '%2F%C3%A9%0A' "$(printf '/é\n' | _url_encode upper-hex)"

# ---- digests and signatures; values from RFC 1321, RFC 2202, RFC 4231, FIPS 180
is '_digest sha256' ungWv48Bz+pBQUDeXa4iI7ADYaOWF3qctBD/YfIAFa0= "$(printf abc | _digest sha256)"
is '_digest md5 hex' 900150983cd24fb0d6963f7d28e17f72 "$(printf abc | _digest md5 hex)"
is '_hmac sha256' 5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843 \
  "$(printf 'what do ya want for nothing?' | _hmac sha256 4a656665 hex)"
is '_hmac sha1 in base64' 7/zfauXrL6LSdBbV8YTfnCWafHk= "$(printf 'what do ya want for nothing?' | _hmac sha1 4a656665)"
key=aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa
key=$key${key}aaaaaa
is 'a key longer than a block' 80b24263c7c1a3ebb71493c1dd7be8b49b46d1f41b4aeec1121b013783f8f3526b56d037e05f2598bd0fd2215d6a1e5295e64f73f63f0aec8b915a985d786598 \
  "$(printf 'Test Using Larger Than Block-Size Key - Hash Key First' | _hmac sha512 "$key" hex)"
openssl genrsa -traditional -out "$CACERT_HOOK_STATE/rsa.pem" 2048 2>/dev/null
openssl ecparam -genkey -name prime256v1 -noout -out "$CACERT_HOOK_STATE/ec.pem"
holds _isRSA _isRSA "$CACERT_HOOK_STATE/rsa.pem"
fails '_isRSA of an EC key' _isRSA "$CACERT_HOOK_STATE/ec.pem"
printf text | _sign "$CACERT_HOOK_STATE/rsa.pem" sha256 | _dbase64 >"$CACERT_HOOK_STATE/signature"
openssl rsa -in "$CACERT_HOOK_STATE/rsa.pem" -pubout -out "$CACERT_HOOK_STATE/rsa.pub" 2>/dev/null
is _sign 'Verified OK' "$(printf text | openssl dgst -sha256 -verify "$CACERT_HOOK_STATE/rsa.pub" -signature "$CACERT_HOOK_STATE/signature")"
fails '_sign without an algorithm' _sign "$CACERT_HOOK_STATE/rsa.pem"
openssl req -x509 -key "$CACERT_HOOK_STATE/rsa.pem" -subj /CN=a -days 1 -out "$CACERT_HOOK_STATE/a.pem"
is _fingerprint "$(openssl x509 -in "$CACERT_HOOK_STATE/a.pem" -outform DER | openssl dgst -sha256 -r | cut -d ' ' -f 1 | _upper_case)" \
  "$(_fingerprint "$CACERT_HOOK_STATE/a.pem")"

# ---- values that are kept
_saveaccountconf K one
_saveaccountconf_mutable K two
is _readaccountconf one "$(_readaccountconf K)"
is _readaccountconf_mutable two "$(_readaccountconf_mutable K)"
_saveaccountconf_mutable K 'th&ree\n"$(x)`y`'
is 'what a shell would change' 'th&ree\n"$(x)`y`' "$(_readaccountconf_mutable K)"
_saveaccountconf_mutable K "it's
two lines"
is 'quotes and lines' "it's
two lines" "$(_readaccountconf_mutable K)"
_saveaccountconf_mutable L hunter2 base64
is 'base64 on request' hunter2 "$(_readaccountconf_mutable L)"
fails 'base64 in clear' grep -q hunter2 "$CACERT_HOOK_STATE/account.conf"
_saveaccountconf M one
_saveaccountconf M two
is 'one line a key' "M='two'" "$(grep '^M=' "$CACERT_HOOK_STATE/account.conf")"
is 'beside the others' hunter2 "$(_readaccountconf_mutable L)"
chmod 644 "$CACERT_HOOK_STATE/account.conf"
mv() { return 1; }
fails 'a failure is told' _saveaccountconf M three
unset -f mv
is 'and changes nothing' two "$(_readaccountconf M)"
is 'and leaves nothing' '' "$(ls "$CACERT_HOOK_STATE" | grep '^conf\.')"
_clearaccountconf_mutable K
is _clearaccountconf_mutable '' "$(_readaccountconf_mutable K)$(_readaccountconf K)"
_saveaccountconf M one
_clearaccountconf M
is _clearaccountconf '' "$(_readaccountconf M)"
CACERT_HOOK_DOMAIN=a.test
_savedomainconf D one
is _readdomainconf one "$(_readdomainconf D)"
CACERT_HOOK_DOMAIN=b.test
is "another domain's" '' "$(_readdomainconf D)"
CACERT_HOOK_DOMAIN=a.test
_cleardomainconf D
is _cleardomainconf '' "$(_readdomainconf D)"
case $(ls -l "$CACERT_HOOK_STATE/account.conf") in -rw-------*) ;; *) is 'who may read' 0600 others ;; esac
mkdir -p "$HOME/.acme.sh"
echo "SAVED_OLD='from acme.sh'" >"$HOME/.acme.sh/account.conf"
is "acme.sh's own values" 'from acme.sh' "$(_readaccountconf_mutable OLD)"

# ---- requests; the service tells what it was asked
HTTP_HEADER=$CACERT_HOOK_STATE/headers
: >"$HTTP_HEADER"
_H1='Authorization: Bearer "a\b"'
_H2='X-Second: 2'
answer=$(_get "$url/path?a=b&c=[d]")
is '_get: line' 'GET /path?a=b&c=[d]' "$(printf '%s\n' "$answer" | head -n 1)"
holds '_get: first header' _contains "$answer" '^authorization: Bearer "a\\b"$'
holds '_get: second header' _contains "$answer" '^x-second: 2$'
holds '_get: response headers' grep -q '^HTTP/1.1 200' "$HTTP_HEADER"
_resethttp
is _resethttp '' "$(cat "$HTTP_HEADER")"
_H1= _H2=
is '_get of headers only' '' "$(_get "$url/" onlyheader 5 | sed -n '/^GET/p')"
answer=$(_post 'a=1&b="2"' "$url/form")
is '_post: line' 'POST /form' "$(printf '%s\n' "$answer" | head -n 1)"
holds '_post: a form by default' _contains "$answer" '^content-type: application/x-www-form-urlencoded$'
is '_post: body' 'a=1&b="2"' "$(printf '%s\n' "$answer" | tail -n 1)"
answer=$(_post '{"a":1}' "$url/json" '' PUT application/json)
is '_post with a method' 'PUT /json' "$(printf '%s\n' "$answer" | head -n 1)"
holds '_post with a type' _contains "$answer" '^content-type: application/json$'
is '_post in base64' 'POST /b' "$(_post x "$url/b" needbase64 | _dbase64 | head -n 1)"
is '_post without a body' 'DELETE /d' "$(_post '' "$url/d" '' DELETE | head -n 1)"
fails '_get of nobody' _get http://127.0.0.1:1/
if _exists dig; then fails _ns_lookup [ -n "$(_ns_lookup nowhere.invalid TXT 2>/dev/null | grep -v '^;')" ]; fi

[ "$failures" = 0 ]
