# Print an optspec for argparse to handle cmd's options that are independent of any subcommand.
function __fish_cacert_acme_global_optspecs
    string join \n config= state-dir= server= ca-bundle= account= json q/quiet v/verbose color= h/help V/version
end

function __fish_cacert_acme_needs_command
    # Figure out if the current invocation already has a command.
    set -l cmd (commandline -opc)
    set -e cmd[1]
    argparse -s (__fish_cacert_acme_global_optspecs) -- $cmd 2>/dev/null
    or return
    if set -q argv[1]
        # Also print the command, so this can be used to figure out what it is.
        echo $argv[1]
        return 1
    end
    return 0
end

function __fish_cacert_acme_using_subcommand
    set -l cmd (__fish_cacert_acme_needs_command)
    test -z "$cmd"
    and return 1
    contains -- $cmd[1] $argv
end

complete -c cacert-acme -n "__fish_cacert_acme_needs_command" -l config -d 'The config file [default: /etc/cacert-acme/config.toml for root, else config.toml in the XDG folder]' -r -F
complete -c cacert-acme -n "__fish_cacert_acme_needs_command" -l state-dir -d 'Where accounts and certificates are kept [default: /var/lib/cacert-acme for root, else the XDG state folder]' -r -F
complete -c cacert-acme -n "__fish_cacert_acme_needs_command" -l server -d 'The URL of the server\'s ACME directory; `register` remembers it' -r
complete -c cacert-acme -n "__fish_cacert_acme_needs_command" -l ca-bundle -d 'Trust only the roots in this PEM file for the server\'s own TLS certificate' -r -F
complete -c cacert-acme -n "__fish_cacert_acme_needs_command" -l account -d 'Which account, where this machine has several' -r
complete -c cacert-acme -n "__fish_cacert_acme_needs_command" -l color -d 'Use colours' -r -f -a "auto\t'On a terminal, unless `NO_COLOR` is set'
always\t'Always'
never\t'Never'"
complete -c cacert-acme -n "__fish_cacert_acme_needs_command" -l json -d 'Print one JSON document'
complete -c cacert-acme -n "__fish_cacert_acme_needs_command" -s q -l quiet -d 'Print errors only'
complete -c cacert-acme -n "__fish_cacert_acme_needs_command" -s v -l verbose -d 'Tell what happens; -vv with requests, -vvv everything'
complete -c cacert-acme -n "__fish_cacert_acme_needs_command" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c cacert-acme -n "__fish_cacert_acme_needs_command" -s V -l version -d 'Print version'
complete -c cacert-acme -n "__fish_cacert_acme_needs_command" -f -a "register" -d 'Make an account with a key identifier and MAC key from the CAcert web UI'
complete -c cacert-acme -n "__fish_cacert_acme_needs_command" -f -a "account" -d 'Show the account'
complete -c cacert-acme -n "__fish_cacert_acme_needs_command" -f -a "issue" -d 'Get a certificate'
complete -c cacert-acme -n "__fish_cacert_acme_needs_command" -f -a "dns-persist" -d 'Print the DNS records that let this account prove names for good'
complete -c cacert-acme -n "__fish_cacert_acme_needs_command" -f -a "renew" -d 'Renew all certificates that are due'
complete -c cacert-acme -n "__fish_cacert_acme_needs_command" -f -a "list" -d 'List the certificates'
complete -c cacert-acme -n "__fish_cacert_acme_needs_command" -f -a "show" -d 'Show a certificate: its files, names, dates and how it is renewed'
complete -c cacert-acme -n "__fish_cacert_acme_needs_command" -f -a "revoke" -d 'Revoke a certificate'
complete -c cacert-acme -n "__fish_cacert_acme_needs_command" -f -a "completions" -d 'Print a completion script for a shell'
complete -c cacert-acme -n "__fish_cacert_acme_needs_command" -f -a "man" -d 'Write the manual pages to a folder'
complete -c cacert-acme -n "__fish_cacert_acme_needs_command" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c cacert-acme -n "__fish_cacert_acme_using_subcommand register" -l eab-kid -d 'The key identifier from the CAcert web UI' -r
complete -c cacert-acme -n "__fish_cacert_acme_using_subcommand register" -l eab-key-file -d 'The file that holds the MAC key; - reads standard input' -r -F
complete -c cacert-acme -n "__fish_cacert_acme_using_subcommand register" -l eab -d 'A file with both: KID:KEY, {"kid":…,"hmac":…}, or the block copied from the web UI; - reads standard input' -r -F
complete -c cacert-acme -n "__fish_cacert_acme_using_subcommand register" -l contact -d 'Where CAcert can reach you; may be repeated' -r
complete -c cacert-acme -n "__fish_cacert_acme_using_subcommand register" -l eab-alg -d 'The MAC algorithm of the binding [default: that of the key\'s length, or what the server asks for]' -r -f -a "hs256\t'HMAC with SHA-256'
hs384\t'HMAC with SHA-384'
hs512\t'HMAC with SHA-512'"
complete -c cacert-acme -n "__fish_cacert_acme_using_subcommand register" -l account-key-type -d 'The kind of account key to make' -r -f -a "ec256\t'ECDSA on P-256: small, fast, understood everywhere'
ec384\t'ECDSA on P-384'
rsa2048\t'RSA of 2048 bits'
rsa3072\t'RSA of 3072 bits'
rsa4096\t'RSA of 4096 bits'
ed25519\t'Ed25519; few browsers and CAs accept it'"
complete -c cacert-acme -n "__fish_cacert_acme_using_subcommand register" -l account-key -d 'Bring an account key of any of these kinds (PEM) instead of making one' -r -F
complete -c cacert-acme -n "__fish_cacert_acme_using_subcommand register" -l config -d 'The config file [default: /etc/cacert-acme/config.toml for root, else config.toml in the XDG folder]' -r -F
complete -c cacert-acme -n "__fish_cacert_acme_using_subcommand register" -l state-dir -d 'Where accounts and certificates are kept [default: /var/lib/cacert-acme for root, else the XDG state folder]' -r -F
complete -c cacert-acme -n "__fish_cacert_acme_using_subcommand register" -l server -d 'The URL of the server\'s ACME directory; `register` remembers it' -r
complete -c cacert-acme -n "__fish_cacert_acme_using_subcommand register" -l ca-bundle -d 'Trust only the roots in this PEM file for the server\'s own TLS certificate' -r -F
complete -c cacert-acme -n "__fish_cacert_acme_using_subcommand register" -l account -d 'Which account, where this machine has several' -r
complete -c cacert-acme -n "__fish_cacert_acme_using_subcommand register" -l color -d 'Use colours' -r -f -a "auto\t'On a terminal, unless `NO_COLOR` is set'
always\t'Always'
never\t'Never'"
complete -c cacert-acme -n "__fish_cacert_acme_using_subcommand register" -l agree-tos -d 'Agree to the server\'s terms of service'
complete -c cacert-acme -n "__fish_cacert_acme_using_subcommand register" -l accept-responsibility -d 'Accept responsibility for everything that this client does'
complete -c cacert-acme -n "__fish_cacert_acme_using_subcommand register" -l json -d 'Print one JSON document'
complete -c cacert-acme -n "__fish_cacert_acme_using_subcommand register" -s q -l quiet -d 'Print errors only'
complete -c cacert-acme -n "__fish_cacert_acme_using_subcommand register" -s v -l verbose -d 'Tell what happens; -vv with requests, -vvv everything'
complete -c cacert-acme -n "__fish_cacert_acme_using_subcommand register" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c cacert-acme -n "__fish_cacert_acme_using_subcommand register" -s V -l version -d 'Print version'
complete -c cacert-acme -n "__fish_cacert_acme_using_subcommand account; and not __fish_seen_subcommand_from show list update rollover deactivate help" -l config -d 'The config file [default: /etc/cacert-acme/config.toml for root, else config.toml in the XDG folder]' -r -F
complete -c cacert-acme -n "__fish_cacert_acme_using_subcommand account; and not __fish_seen_subcommand_from show list update rollover deactivate help" -l state-dir -d 'Where accounts and certificates are kept [default: /var/lib/cacert-acme for root, else the XDG state folder]' -r -F
complete -c cacert-acme -n "__fish_cacert_acme_using_subcommand account; and not __fish_seen_subcommand_from show list update rollover deactivate help" -l server -d 'The URL of the server\'s ACME directory; `register` remembers it' -r
complete -c cacert-acme -n "__fish_cacert_acme_using_subcommand account; and not __fish_seen_subcommand_from show list update rollover deactivate help" -l ca-bundle -d 'Trust only the roots in this PEM file for the server\'s own TLS certificate' -r -F
complete -c cacert-acme -n "__fish_cacert_acme_using_subcommand account; and not __fish_seen_subcommand_from show list update rollover deactivate help" -l account -d 'Which account, where this machine has several' -r
complete -c cacert-acme -n "__fish_cacert_acme_using_subcommand account; and not __fish_seen_subcommand_from show list update rollover deactivate help" -l color -d 'Use colours' -r -f -a "auto\t'On a terminal, unless `NO_COLOR` is set'
always\t'Always'
never\t'Never'"
complete -c cacert-acme -n "__fish_cacert_acme_using_subcommand account; and not __fish_seen_subcommand_from show list update rollover deactivate help" -l json -d 'Print one JSON document'
complete -c cacert-acme -n "__fish_cacert_acme_using_subcommand account; and not __fish_seen_subcommand_from show list update rollover deactivate help" -s q -l quiet -d 'Print errors only'
complete -c cacert-acme -n "__fish_cacert_acme_using_subcommand account; and not __fish_seen_subcommand_from show list update rollover deactivate help" -s v -l verbose -d 'Tell what happens; -vv with requests, -vvv everything'
complete -c cacert-acme -n "__fish_cacert_acme_using_subcommand account; and not __fish_seen_subcommand_from show list update rollover deactivate help" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c cacert-acme -n "__fish_cacert_acme_using_subcommand account; and not __fish_seen_subcommand_from show list update rollover deactivate help" -s V -l version -d 'Print version'
complete -c cacert-acme -n "__fish_cacert_acme_using_subcommand account; and not __fish_seen_subcommand_from show list update rollover deactivate help" -f -a "show" -d 'Ask the server for the account: status, contacts, binding, terms'
complete -c cacert-acme -n "__fish_cacert_acme_using_subcommand account; and not __fish_seen_subcommand_from show list update rollover deactivate help" -f -a "list" -d 'List the accounts of this machine'
complete -c cacert-acme -n "__fish_cacert_acme_using_subcommand account; and not __fish_seen_subcommand_from show list update rollover deactivate help" -f -a "update" -d 'Change where the CA can reach you'
complete -c cacert-acme -n "__fish_cacert_acme_using_subcommand account; and not __fish_seen_subcommand_from show list update rollover deactivate help" -f -a "rollover" -d 'Replace the account key by another one'
complete -c cacert-acme -n "__fish_cacert_acme_using_subcommand account; and not __fish_seen_subcommand_from show list update rollover deactivate help" -f -a "deactivate" -d 'Give the account up for good; its certificates stay valid'
complete -c cacert-acme -n "__fish_cacert_acme_using_subcommand account; and not __fish_seen_subcommand_from show list update rollover deactivate help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c cacert-acme -n "__fish_cacert_acme_using_subcommand account; and __fish_seen_subcommand_from show" -l config -d 'The config file [default: /etc/cacert-acme/config.toml for root, else config.toml in the XDG folder]' -r -F
complete -c cacert-acme -n "__fish_cacert_acme_using_subcommand account; and __fish_seen_subcommand_from show" -l state-dir -d 'Where accounts and certificates are kept [default: /var/lib/cacert-acme for root, else the XDG state folder]' -r -F
complete -c cacert-acme -n "__fish_cacert_acme_using_subcommand account; and __fish_seen_subcommand_from show" -l server -d 'The URL of the server\'s ACME directory; `register` remembers it' -r
complete -c cacert-acme -n "__fish_cacert_acme_using_subcommand account; and __fish_seen_subcommand_from show" -l ca-bundle -d 'Trust only the roots in this PEM file for the server\'s own TLS certificate' -r -F
complete -c cacert-acme -n "__fish_cacert_acme_using_subcommand account; and __fish_seen_subcommand_from show" -l account -d 'Which account, where this machine has several' -r
complete -c cacert-acme -n "__fish_cacert_acme_using_subcommand account; and __fish_seen_subcommand_from show" -l color -d 'Use colours' -r -f -a "auto\t'On a terminal, unless `NO_COLOR` is set'
always\t'Always'
never\t'Never'"
complete -c cacert-acme -n "__fish_cacert_acme_using_subcommand account; and __fish_seen_subcommand_from show" -l json -d 'Print one JSON document'
complete -c cacert-acme -n "__fish_cacert_acme_using_subcommand account; and __fish_seen_subcommand_from show" -s q -l quiet -d 'Print errors only'
complete -c cacert-acme -n "__fish_cacert_acme_using_subcommand account; and __fish_seen_subcommand_from show" -s v -l verbose -d 'Tell what happens; -vv with requests, -vvv everything'
complete -c cacert-acme -n "__fish_cacert_acme_using_subcommand account; and __fish_seen_subcommand_from show" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c cacert-acme -n "__fish_cacert_acme_using_subcommand account; and __fish_seen_subcommand_from show" -s V -l version -d 'Print version'
complete -c cacert-acme -n "__fish_cacert_acme_using_subcommand account; and __fish_seen_subcommand_from list" -l config -d 'The config file [default: /etc/cacert-acme/config.toml for root, else config.toml in the XDG folder]' -r -F
complete -c cacert-acme -n "__fish_cacert_acme_using_subcommand account; and __fish_seen_subcommand_from list" -l state-dir -d 'Where accounts and certificates are kept [default: /var/lib/cacert-acme for root, else the XDG state folder]' -r -F
complete -c cacert-acme -n "__fish_cacert_acme_using_subcommand account; and __fish_seen_subcommand_from list" -l server -d 'The URL of the server\'s ACME directory; `register` remembers it' -r
complete -c cacert-acme -n "__fish_cacert_acme_using_subcommand account; and __fish_seen_subcommand_from list" -l ca-bundle -d 'Trust only the roots in this PEM file for the server\'s own TLS certificate' -r -F
complete -c cacert-acme -n "__fish_cacert_acme_using_subcommand account; and __fish_seen_subcommand_from list" -l account -d 'Which account, where this machine has several' -r
complete -c cacert-acme -n "__fish_cacert_acme_using_subcommand account; and __fish_seen_subcommand_from list" -l color -d 'Use colours' -r -f -a "auto\t'On a terminal, unless `NO_COLOR` is set'
always\t'Always'
never\t'Never'"
complete -c cacert-acme -n "__fish_cacert_acme_using_subcommand account; and __fish_seen_subcommand_from list" -l json -d 'Print one JSON document'
complete -c cacert-acme -n "__fish_cacert_acme_using_subcommand account; and __fish_seen_subcommand_from list" -s q -l quiet -d 'Print errors only'
complete -c cacert-acme -n "__fish_cacert_acme_using_subcommand account; and __fish_seen_subcommand_from list" -s v -l verbose -d 'Tell what happens; -vv with requests, -vvv everything'
complete -c cacert-acme -n "__fish_cacert_acme_using_subcommand account; and __fish_seen_subcommand_from list" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c cacert-acme -n "__fish_cacert_acme_using_subcommand account; and __fish_seen_subcommand_from list" -s V -l version -d 'Print version'
complete -c cacert-acme -n "__fish_cacert_acme_using_subcommand account; and __fish_seen_subcommand_from update" -l contact -d 'Where CAcert can reach you from now on; may be repeated' -r
complete -c cacert-acme -n "__fish_cacert_acme_using_subcommand account; and __fish_seen_subcommand_from update" -l config -d 'The config file [default: /etc/cacert-acme/config.toml for root, else config.toml in the XDG folder]' -r -F
complete -c cacert-acme -n "__fish_cacert_acme_using_subcommand account; and __fish_seen_subcommand_from update" -l state-dir -d 'Where accounts and certificates are kept [default: /var/lib/cacert-acme for root, else the XDG state folder]' -r -F
complete -c cacert-acme -n "__fish_cacert_acme_using_subcommand account; and __fish_seen_subcommand_from update" -l server -d 'The URL of the server\'s ACME directory; `register` remembers it' -r
complete -c cacert-acme -n "__fish_cacert_acme_using_subcommand account; and __fish_seen_subcommand_from update" -l ca-bundle -d 'Trust only the roots in this PEM file for the server\'s own TLS certificate' -r -F
complete -c cacert-acme -n "__fish_cacert_acme_using_subcommand account; and __fish_seen_subcommand_from update" -l account -d 'Which account, where this machine has several' -r
complete -c cacert-acme -n "__fish_cacert_acme_using_subcommand account; and __fish_seen_subcommand_from update" -l color -d 'Use colours' -r -f -a "auto\t'On a terminal, unless `NO_COLOR` is set'
always\t'Always'
never\t'Never'"
complete -c cacert-acme -n "__fish_cacert_acme_using_subcommand account; and __fish_seen_subcommand_from update" -l json -d 'Print one JSON document'
complete -c cacert-acme -n "__fish_cacert_acme_using_subcommand account; and __fish_seen_subcommand_from update" -s q -l quiet -d 'Print errors only'
complete -c cacert-acme -n "__fish_cacert_acme_using_subcommand account; and __fish_seen_subcommand_from update" -s v -l verbose -d 'Tell what happens; -vv with requests, -vvv everything'
complete -c cacert-acme -n "__fish_cacert_acme_using_subcommand account; and __fish_seen_subcommand_from update" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c cacert-acme -n "__fish_cacert_acme_using_subcommand account; and __fish_seen_subcommand_from update" -s V -l version -d 'Print version'
complete -c cacert-acme -n "__fish_cacert_acme_using_subcommand account; and __fish_seen_subcommand_from rollover" -l account-key-type -d 'The kind of account key to make' -r -f -a "ec256\t'ECDSA on P-256: small, fast, understood everywhere'
ec384\t'ECDSA on P-384'
rsa2048\t'RSA of 2048 bits'
rsa3072\t'RSA of 3072 bits'
rsa4096\t'RSA of 4096 bits'
ed25519\t'Ed25519; few browsers and CAs accept it'"
complete -c cacert-acme -n "__fish_cacert_acme_using_subcommand account; and __fish_seen_subcommand_from rollover" -l account-key -d 'Bring an account key of any of these kinds (PEM) instead of making one' -r -F
complete -c cacert-acme -n "__fish_cacert_acme_using_subcommand account; and __fish_seen_subcommand_from rollover" -l config -d 'The config file [default: /etc/cacert-acme/config.toml for root, else config.toml in the XDG folder]' -r -F
complete -c cacert-acme -n "__fish_cacert_acme_using_subcommand account; and __fish_seen_subcommand_from rollover" -l state-dir -d 'Where accounts and certificates are kept [default: /var/lib/cacert-acme for root, else the XDG state folder]' -r -F
complete -c cacert-acme -n "__fish_cacert_acme_using_subcommand account; and __fish_seen_subcommand_from rollover" -l server -d 'The URL of the server\'s ACME directory; `register` remembers it' -r
complete -c cacert-acme -n "__fish_cacert_acme_using_subcommand account; and __fish_seen_subcommand_from rollover" -l ca-bundle -d 'Trust only the roots in this PEM file for the server\'s own TLS certificate' -r -F
complete -c cacert-acme -n "__fish_cacert_acme_using_subcommand account; and __fish_seen_subcommand_from rollover" -l account -d 'Which account, where this machine has several' -r
complete -c cacert-acme -n "__fish_cacert_acme_using_subcommand account; and __fish_seen_subcommand_from rollover" -l color -d 'Use colours' -r -f -a "auto\t'On a terminal, unless `NO_COLOR` is set'
always\t'Always'
never\t'Never'"
complete -c cacert-acme -n "__fish_cacert_acme_using_subcommand account; and __fish_seen_subcommand_from rollover" -l json -d 'Print one JSON document'
complete -c cacert-acme -n "__fish_cacert_acme_using_subcommand account; and __fish_seen_subcommand_from rollover" -s q -l quiet -d 'Print errors only'
complete -c cacert-acme -n "__fish_cacert_acme_using_subcommand account; and __fish_seen_subcommand_from rollover" -s v -l verbose -d 'Tell what happens; -vv with requests, -vvv everything'
complete -c cacert-acme -n "__fish_cacert_acme_using_subcommand account; and __fish_seen_subcommand_from rollover" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c cacert-acme -n "__fish_cacert_acme_using_subcommand account; and __fish_seen_subcommand_from rollover" -s V -l version -d 'Print version'
complete -c cacert-acme -n "__fish_cacert_acme_using_subcommand account; and __fish_seen_subcommand_from deactivate" -l config -d 'The config file [default: /etc/cacert-acme/config.toml for root, else config.toml in the XDG folder]' -r -F
complete -c cacert-acme -n "__fish_cacert_acme_using_subcommand account; and __fish_seen_subcommand_from deactivate" -l state-dir -d 'Where accounts and certificates are kept [default: /var/lib/cacert-acme for root, else the XDG state folder]' -r -F
complete -c cacert-acme -n "__fish_cacert_acme_using_subcommand account; and __fish_seen_subcommand_from deactivate" -l server -d 'The URL of the server\'s ACME directory; `register` remembers it' -r
complete -c cacert-acme -n "__fish_cacert_acme_using_subcommand account; and __fish_seen_subcommand_from deactivate" -l ca-bundle -d 'Trust only the roots in this PEM file for the server\'s own TLS certificate' -r -F
complete -c cacert-acme -n "__fish_cacert_acme_using_subcommand account; and __fish_seen_subcommand_from deactivate" -l account -d 'Which account, where this machine has several' -r
complete -c cacert-acme -n "__fish_cacert_acme_using_subcommand account; and __fish_seen_subcommand_from deactivate" -l color -d 'Use colours' -r -f -a "auto\t'On a terminal, unless `NO_COLOR` is set'
always\t'Always'
never\t'Never'"
complete -c cacert-acme -n "__fish_cacert_acme_using_subcommand account; and __fish_seen_subcommand_from deactivate" -s y -l yes -d 'Do not ask'
complete -c cacert-acme -n "__fish_cacert_acme_using_subcommand account; and __fish_seen_subcommand_from deactivate" -l json -d 'Print one JSON document'
complete -c cacert-acme -n "__fish_cacert_acme_using_subcommand account; and __fish_seen_subcommand_from deactivate" -s q -l quiet -d 'Print errors only'
complete -c cacert-acme -n "__fish_cacert_acme_using_subcommand account; and __fish_seen_subcommand_from deactivate" -s v -l verbose -d 'Tell what happens; -vv with requests, -vvv everything'
complete -c cacert-acme -n "__fish_cacert_acme_using_subcommand account; and __fish_seen_subcommand_from deactivate" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c cacert-acme -n "__fish_cacert_acme_using_subcommand account; and __fish_seen_subcommand_from deactivate" -s V -l version -d 'Print version'
complete -c cacert-acme -n "__fish_cacert_acme_using_subcommand account; and __fish_seen_subcommand_from help" -f -a "show" -d 'Ask the server for the account: status, contacts, binding, terms'
complete -c cacert-acme -n "__fish_cacert_acme_using_subcommand account; and __fish_seen_subcommand_from help" -f -a "list" -d 'List the accounts of this machine'
complete -c cacert-acme -n "__fish_cacert_acme_using_subcommand account; and __fish_seen_subcommand_from help" -f -a "update" -d 'Change where the CA can reach you'
complete -c cacert-acme -n "__fish_cacert_acme_using_subcommand account; and __fish_seen_subcommand_from help" -f -a "rollover" -d 'Replace the account key by another one'
complete -c cacert-acme -n "__fish_cacert_acme_using_subcommand account; and __fish_seen_subcommand_from help" -f -a "deactivate" -d 'Give the account up for good; its certificates stay valid'
complete -c cacert-acme -n "__fish_cacert_acme_using_subcommand account; and __fish_seen_subcommand_from help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c cacert-acme -n "__fish_cacert_acme_using_subcommand issue" -s d -l domain -d 'A name to certify; may be repeated' -r
complete -c cacert-acme -n "__fish_cacert_acme_using_subcommand issue" -l ip -d 'An IP address to certify; may be repeated' -r
complete -c cacert-acme -n "__fish_cacert_acme_using_subcommand issue" -l name -d 'What to call the certificate on this machine [default: its first name]' -r
complete -c cacert-acme -n "__fish_cacert_acme_using_subcommand issue" -l key-type -d 'The kind of key [default: ec256]' -r -f -a "ec256\t'ECDSA on P-256: small, fast, understood everywhere'
ec384\t'ECDSA on P-384'
rsa2048\t'RSA of 2048 bits'
rsa3072\t'RSA of 3072 bits'
rsa4096\t'RSA of 4096 bits'
ed25519\t'Ed25519; few browsers and CAs accept it'"
complete -c cacert-acme -n "__fish_cacert_acme_using_subcommand issue" -l reuse-key -d 'Keep the key at renewals' -r -f -a "true\t''
false\t''"
complete -c cacert-acme -n "__fish_cacert_acme_using_subcommand issue" -l csr -d 'Have this request (PKCS#10, PEM or DER) certified, with its names and key; renewals send it again' -r -F
complete -c cacert-acme -n "__fish_cacert_acme_using_subcommand issue" -l must-staple -d 'Ask for a certificate that is good only with a stapled OCSP answer' -r -f -a "true\t''
false\t''"
complete -c cacert-acme -n "__fish_cacert_acme_using_subcommand issue" -l profile -d 'One of the server\'s profiles; ? lists them' -r
complete -c cacert-acme -n "__fish_cacert_acme_using_subcommand issue" -l preferred-chain -d 'Where the server offers several chains: an issuer\'s common name, or a certificate\'s SHA-256 fingerprint' -r
complete -c cacert-acme -n "__fish_cacert_acme_using_subcommand issue" -l not-before -d 'When its life is to begin: 2027-01-31T00:00:00Z for this one, +1d for renewals too' -r
complete -c cacert-acme -n "__fish_cacert_acme_using_subcommand issue" -l not-after -d 'When it is to end: 2027-01-31T00:00:00Z for this one, +90d for renewals too' -r
complete -c cacert-acme -n "__fish_cacert_acme_using_subcommand issue" -l webroot -d 'Put the proofs into the folder that a web server serves for the names' -r -F
complete -c cacert-acme -n "__fish_cacert_acme_using_subcommand issue" -l standalone -d 'Answer by an own web server for the time of the challenge [default: port 80 of all addresses]' -r
complete -c cacert-acme -n "__fish_cacert_acme_using_subcommand issue" -l tls-alpn -d 'Answer by an own TLS server for the time of the challenge [default: port 443 of all addresses]' -r
complete -c cacert-acme -n "__fish_cacert_acme_using_subcommand issue" -l dns-rfc2136 -d 'Update the zone with the key in a file: one of tsig-keygen, or TOML with server, zone, key, algorithm and secret or secret-file' -r -F
complete -c cacert-acme -n "__fish_cacert_acme_using_subcommand issue" -l manual -d 'Tell what to do by hand, and wait for it: records in the DNS, or files on the web server [default: dns]' -r -f -a "dns\t'Records in the DNS'
http\t'Files on the web server'"
complete -c cacert-acme -n "__fish_cacert_acme_using_subcommand issue" -l dns-hook -d 'Have a program of yours publish the records, by the rules of --hook-dialect; or a URL, or an acme.sh DNS script' -r
complete -c cacert-acme -n "__fish_cacert_acme_using_subcommand issue" -l http-hook -d 'Have a program of yours put the files in place, by the rules of --hook-dialect' -r
complete -c cacert-acme -n "__fish_cacert_acme_using_subcommand issue" -l hook-dialect -d 'Which ACME client the hook was written for [default: lego; for files lego-raw]' -r -f -a "lego\t''
lego-raw\t''
certbot\t''
dehydrated\t''
dehydrated-chain\t''
acme.sh\t''
uacme\t''"
complete -c cacert-acme -n "__fish_cacert_acme_using_subcommand issue" -l challenge -d 'Prove one name by another method: NAME=webroot:DIR, NAME=standalone:ADDR:PORT, NAME=tls-alpn:ADDR:PORT, NAME=dns-rfc2136:FILE, NAME=dns-hook:CMD, NAME=dns-hook/DIALECT:CMD, NAME=http-hook:CMD, NAME=dns-persist, NAME=manual-dns, NAME=manual-http' -r
complete -c cacert-acme -n "__fish_cacert_acme_using_subcommand issue" -l dns-resolver -d 'Look names up here instead of asking this machine\'s resolvers; may be repeated' -r
complete -c cacert-acme -n "__fish_cacert_acme_using_subcommand issue" -l dns-alias -d 'Where the record stands, if no CNAME tells it: for one name (NAME=RECORD) or for all; may be repeated' -r
complete -c cacert-acme -n "__fish_cacert_acme_using_subcommand issue" -l dns-timeout -d 'How long to wait until every server shows a record [default: 5m]' -r
complete -c cacert-acme -n "__fish_cacert_acme_using_subcommand issue" -l dns-wait-for -d 'Who must show a record before the server is told to look [default: authoritative]' -r -f -a "authoritative\t'Every server of the zone'
resolvers\t'The resolvers alone: where the zone\'s servers can\'t be asked from here'
nobody\t'Nobody: whoever publishes knows when it is done'"
complete -c cacert-acme -n "__fish_cacert_acme_using_subcommand issue" -l dns-challenge -d 'Which challenge to answer [default: dns-01, or dns-account-01 where only that is offered]' -r -f -a "dns-01\t'One place for all accounts (RFC 8555 §8.4)'
dns-account-01\t'A place of the account\'s own (draft-ietf-acme-dns-account-label)'"
complete -c cacert-acme -n "__fish_cacert_acme_using_subcommand issue" -l dns-port -d 'The port that zones\' servers are asked on, for tests [default: 53]' -r
complete -c cacert-acme -n "__fish_cacert_acme_using_subcommand issue" -l config -d 'The config file [default: /etc/cacert-acme/config.toml for root, else config.toml in the XDG folder]' -r -F
complete -c cacert-acme -n "__fish_cacert_acme_using_subcommand issue" -l state-dir -d 'Where accounts and certificates are kept [default: /var/lib/cacert-acme for root, else the XDG state folder]' -r -F
complete -c cacert-acme -n "__fish_cacert_acme_using_subcommand issue" -l server -d 'The URL of the server\'s ACME directory; `register` remembers it' -r
complete -c cacert-acme -n "__fish_cacert_acme_using_subcommand issue" -l ca-bundle -d 'Trust only the roots in this PEM file for the server\'s own TLS certificate' -r -F
complete -c cacert-acme -n "__fish_cacert_acme_using_subcommand issue" -l account -d 'Which account, where this machine has several' -r
complete -c cacert-acme -n "__fish_cacert_acme_using_subcommand issue" -l color -d 'Use colours' -r -f -a "auto\t'On a terminal, unless `NO_COLOR` is set'
always\t'Always'
never\t'Never'"
complete -c cacert-acme -n "__fish_cacert_acme_using_subcommand issue" -l force -d 'Get a new certificate even if none is due, or if the names differ'
complete -c cacert-acme -n "__fish_cacert_acme_using_subcommand issue" -l dry-run -d 'Go the whole way, and install nothing; what the server issues counts towards its limits'
complete -c cacert-acme -n "__fish_cacert_acme_using_subcommand issue" -l dns-persist -d 'Rely on records that stand for good; `cacert-acme dns-persist NAME` prints them (dns-persist-01)'
complete -c cacert-acme -n "__fish_cacert_acme_using_subcommand issue" -l json -d 'Print one JSON document'
complete -c cacert-acme -n "__fish_cacert_acme_using_subcommand issue" -s q -l quiet -d 'Print errors only'
complete -c cacert-acme -n "__fish_cacert_acme_using_subcommand issue" -s v -l verbose -d 'Tell what happens; -vv with requests, -vvv everything'
complete -c cacert-acme -n "__fish_cacert_acme_using_subcommand issue" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c cacert-acme -n "__fish_cacert_acme_using_subcommand issue" -s V -l version -d 'Print version'
complete -c cacert-acme -n "__fish_cacert_acme_using_subcommand dns-persist" -l until -d 'Let the records end on this day' -r
complete -c cacert-acme -n "__fish_cacert_acme_using_subcommand dns-persist" -l config -d 'The config file [default: /etc/cacert-acme/config.toml for root, else config.toml in the XDG folder]' -r -F
complete -c cacert-acme -n "__fish_cacert_acme_using_subcommand dns-persist" -l state-dir -d 'Where accounts and certificates are kept [default: /var/lib/cacert-acme for root, else the XDG state folder]' -r -F
complete -c cacert-acme -n "__fish_cacert_acme_using_subcommand dns-persist" -l server -d 'The URL of the server\'s ACME directory; `register` remembers it' -r
complete -c cacert-acme -n "__fish_cacert_acme_using_subcommand dns-persist" -l ca-bundle -d 'Trust only the roots in this PEM file for the server\'s own TLS certificate' -r -F
complete -c cacert-acme -n "__fish_cacert_acme_using_subcommand dns-persist" -l account -d 'Which account, where this machine has several' -r
complete -c cacert-acme -n "__fish_cacert_acme_using_subcommand dns-persist" -l color -d 'Use colours' -r -f -a "auto\t'On a terminal, unless `NO_COLOR` is set'
always\t'Always'
never\t'Never'"
complete -c cacert-acme -n "__fish_cacert_acme_using_subcommand dns-persist" -l json -d 'Print one JSON document'
complete -c cacert-acme -n "__fish_cacert_acme_using_subcommand dns-persist" -s q -l quiet -d 'Print errors only'
complete -c cacert-acme -n "__fish_cacert_acme_using_subcommand dns-persist" -s v -l verbose -d 'Tell what happens; -vv with requests, -vvv everything'
complete -c cacert-acme -n "__fish_cacert_acme_using_subcommand dns-persist" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c cacert-acme -n "__fish_cacert_acme_using_subcommand dns-persist" -s V -l version -d 'Print version'
complete -c cacert-acme -n "__fish_cacert_acme_using_subcommand renew" -l config -d 'The config file [default: /etc/cacert-acme/config.toml for root, else config.toml in the XDG folder]' -r -F
complete -c cacert-acme -n "__fish_cacert_acme_using_subcommand renew" -l state-dir -d 'Where accounts and certificates are kept [default: /var/lib/cacert-acme for root, else the XDG state folder]' -r -F
complete -c cacert-acme -n "__fish_cacert_acme_using_subcommand renew" -l server -d 'The URL of the server\'s ACME directory; `register` remembers it' -r
complete -c cacert-acme -n "__fish_cacert_acme_using_subcommand renew" -l ca-bundle -d 'Trust only the roots in this PEM file for the server\'s own TLS certificate' -r -F
complete -c cacert-acme -n "__fish_cacert_acme_using_subcommand renew" -l account -d 'Which account, where this machine has several' -r
complete -c cacert-acme -n "__fish_cacert_acme_using_subcommand renew" -l color -d 'Use colours' -r -f -a "auto\t'On a terminal, unless `NO_COLOR` is set'
always\t'Always'
never\t'Never'"
complete -c cacert-acme -n "__fish_cacert_acme_using_subcommand renew" -l force -d 'Renew even if not due'
complete -c cacert-acme -n "__fish_cacert_acme_using_subcommand renew" -l dry-run -d 'Go the whole way for each certificate, due or not, and install nothing'
complete -c cacert-acme -n "__fish_cacert_acme_using_subcommand renew" -l report-not-due -d 'Exit with status 10 when nothing was due'
complete -c cacert-acme -n "__fish_cacert_acme_using_subcommand renew" -l json -d 'Print one JSON document'
complete -c cacert-acme -n "__fish_cacert_acme_using_subcommand renew" -s q -l quiet -d 'Print errors only'
complete -c cacert-acme -n "__fish_cacert_acme_using_subcommand renew" -s v -l verbose -d 'Tell what happens; -vv with requests, -vvv everything'
complete -c cacert-acme -n "__fish_cacert_acme_using_subcommand renew" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c cacert-acme -n "__fish_cacert_acme_using_subcommand renew" -s V -l version -d 'Print version'
complete -c cacert-acme -n "__fish_cacert_acme_using_subcommand list" -l config -d 'The config file [default: /etc/cacert-acme/config.toml for root, else config.toml in the XDG folder]' -r -F
complete -c cacert-acme -n "__fish_cacert_acme_using_subcommand list" -l state-dir -d 'Where accounts and certificates are kept [default: /var/lib/cacert-acme for root, else the XDG state folder]' -r -F
complete -c cacert-acme -n "__fish_cacert_acme_using_subcommand list" -l server -d 'The URL of the server\'s ACME directory; `register` remembers it' -r
complete -c cacert-acme -n "__fish_cacert_acme_using_subcommand list" -l ca-bundle -d 'Trust only the roots in this PEM file for the server\'s own TLS certificate' -r -F
complete -c cacert-acme -n "__fish_cacert_acme_using_subcommand list" -l account -d 'Which account, where this machine has several' -r
complete -c cacert-acme -n "__fish_cacert_acme_using_subcommand list" -l color -d 'Use colours' -r -f -a "auto\t'On a terminal, unless `NO_COLOR` is set'
always\t'Always'
never\t'Never'"
complete -c cacert-acme -n "__fish_cacert_acme_using_subcommand list" -l json -d 'Print one JSON document'
complete -c cacert-acme -n "__fish_cacert_acme_using_subcommand list" -s q -l quiet -d 'Print errors only'
complete -c cacert-acme -n "__fish_cacert_acme_using_subcommand list" -s v -l verbose -d 'Tell what happens; -vv with requests, -vvv everything'
complete -c cacert-acme -n "__fish_cacert_acme_using_subcommand list" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c cacert-acme -n "__fish_cacert_acme_using_subcommand list" -s V -l version -d 'Print version'
complete -c cacert-acme -n "__fish_cacert_acme_using_subcommand show" -l config -d 'The config file [default: /etc/cacert-acme/config.toml for root, else config.toml in the XDG folder]' -r -F
complete -c cacert-acme -n "__fish_cacert_acme_using_subcommand show" -l state-dir -d 'Where accounts and certificates are kept [default: /var/lib/cacert-acme for root, else the XDG state folder]' -r -F
complete -c cacert-acme -n "__fish_cacert_acme_using_subcommand show" -l server -d 'The URL of the server\'s ACME directory; `register` remembers it' -r
complete -c cacert-acme -n "__fish_cacert_acme_using_subcommand show" -l ca-bundle -d 'Trust only the roots in this PEM file for the server\'s own TLS certificate' -r -F
complete -c cacert-acme -n "__fish_cacert_acme_using_subcommand show" -l account -d 'Which account, where this machine has several' -r
complete -c cacert-acme -n "__fish_cacert_acme_using_subcommand show" -l color -d 'Use colours' -r -f -a "auto\t'On a terminal, unless `NO_COLOR` is set'
always\t'Always'
never\t'Never'"
complete -c cacert-acme -n "__fish_cacert_acme_using_subcommand show" -l json -d 'Print one JSON document'
complete -c cacert-acme -n "__fish_cacert_acme_using_subcommand show" -s q -l quiet -d 'Print errors only'
complete -c cacert-acme -n "__fish_cacert_acme_using_subcommand show" -s v -l verbose -d 'Tell what happens; -vv with requests, -vvv everything'
complete -c cacert-acme -n "__fish_cacert_acme_using_subcommand show" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c cacert-acme -n "__fish_cacert_acme_using_subcommand show" -s V -l version -d 'Print version'
complete -c cacert-acme -n "__fish_cacert_acme_using_subcommand revoke" -l cert -d 'The certificate in a file (PEM or DER)' -r -F
complete -c cacert-acme -n "__fish_cacert_acme_using_subcommand revoke" -l serial -d 'The certificate by its serial number, among all versions on this machine' -r
complete -c cacert-acme -n "__fish_cacert_acme_using_subcommand revoke" -l key -d 'Sign with the certificate\'s own key (PEM) instead of the account\'s' -r -F
complete -c cacert-acme -n "__fish_cacert_acme_using_subcommand revoke" -l reason -d 'Why, by its name in RFC 5280' -r -f -a "unspecified\t'No particular reason'
keyCompromise\t'Somebody else may have the private key'
affiliationChanged\t'The subject\'s name or other facts changed'
superseded\t'A newer certificate took its place'
cessationOfOperation\t'The service no longer exists'"
complete -c cacert-acme -n "__fish_cacert_acme_using_subcommand revoke" -l config -d 'The config file [default: /etc/cacert-acme/config.toml for root, else config.toml in the XDG folder]' -r -F
complete -c cacert-acme -n "__fish_cacert_acme_using_subcommand revoke" -l state-dir -d 'Where accounts and certificates are kept [default: /var/lib/cacert-acme for root, else the XDG state folder]' -r -F
complete -c cacert-acme -n "__fish_cacert_acme_using_subcommand revoke" -l server -d 'The URL of the server\'s ACME directory; `register` remembers it' -r
complete -c cacert-acme -n "__fish_cacert_acme_using_subcommand revoke" -l ca-bundle -d 'Trust only the roots in this PEM file for the server\'s own TLS certificate' -r -F
complete -c cacert-acme -n "__fish_cacert_acme_using_subcommand revoke" -l account -d 'Which account, where this machine has several' -r
complete -c cacert-acme -n "__fish_cacert_acme_using_subcommand revoke" -l color -d 'Use colours' -r -f -a "auto\t'On a terminal, unless `NO_COLOR` is set'
always\t'Always'
never\t'Never'"
complete -c cacert-acme -n "__fish_cacert_acme_using_subcommand revoke" -s y -l yes -d 'Do not ask'
complete -c cacert-acme -n "__fish_cacert_acme_using_subcommand revoke" -l json -d 'Print one JSON document'
complete -c cacert-acme -n "__fish_cacert_acme_using_subcommand revoke" -s q -l quiet -d 'Print errors only'
complete -c cacert-acme -n "__fish_cacert_acme_using_subcommand revoke" -s v -l verbose -d 'Tell what happens; -vv with requests, -vvv everything'
complete -c cacert-acme -n "__fish_cacert_acme_using_subcommand revoke" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c cacert-acme -n "__fish_cacert_acme_using_subcommand revoke" -s V -l version -d 'Print version'
complete -c cacert-acme -n "__fish_cacert_acme_using_subcommand completions" -l config -d 'The config file [default: /etc/cacert-acme/config.toml for root, else config.toml in the XDG folder]' -r -F
complete -c cacert-acme -n "__fish_cacert_acme_using_subcommand completions" -l state-dir -d 'Where accounts and certificates are kept [default: /var/lib/cacert-acme for root, else the XDG state folder]' -r -F
complete -c cacert-acme -n "__fish_cacert_acme_using_subcommand completions" -l server -d 'The URL of the server\'s ACME directory; `register` remembers it' -r
complete -c cacert-acme -n "__fish_cacert_acme_using_subcommand completions" -l ca-bundle -d 'Trust only the roots in this PEM file for the server\'s own TLS certificate' -r -F
complete -c cacert-acme -n "__fish_cacert_acme_using_subcommand completions" -l account -d 'Which account, where this machine has several' -r
complete -c cacert-acme -n "__fish_cacert_acme_using_subcommand completions" -l color -d 'Use colours' -r -f -a "auto\t'On a terminal, unless `NO_COLOR` is set'
always\t'Always'
never\t'Never'"
complete -c cacert-acme -n "__fish_cacert_acme_using_subcommand completions" -l json -d 'Print one JSON document'
complete -c cacert-acme -n "__fish_cacert_acme_using_subcommand completions" -s q -l quiet -d 'Print errors only'
complete -c cacert-acme -n "__fish_cacert_acme_using_subcommand completions" -s v -l verbose -d 'Tell what happens; -vv with requests, -vvv everything'
complete -c cacert-acme -n "__fish_cacert_acme_using_subcommand completions" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c cacert-acme -n "__fish_cacert_acme_using_subcommand completions" -s V -l version -d 'Print version'
complete -c cacert-acme -n "__fish_cacert_acme_using_subcommand man" -l config -d 'The config file [default: /etc/cacert-acme/config.toml for root, else config.toml in the XDG folder]' -r -F
complete -c cacert-acme -n "__fish_cacert_acme_using_subcommand man" -l state-dir -d 'Where accounts and certificates are kept [default: /var/lib/cacert-acme for root, else the XDG state folder]' -r -F
complete -c cacert-acme -n "__fish_cacert_acme_using_subcommand man" -l server -d 'The URL of the server\'s ACME directory; `register` remembers it' -r
complete -c cacert-acme -n "__fish_cacert_acme_using_subcommand man" -l ca-bundle -d 'Trust only the roots in this PEM file for the server\'s own TLS certificate' -r -F
complete -c cacert-acme -n "__fish_cacert_acme_using_subcommand man" -l account -d 'Which account, where this machine has several' -r
complete -c cacert-acme -n "__fish_cacert_acme_using_subcommand man" -l color -d 'Use colours' -r -f -a "auto\t'On a terminal, unless `NO_COLOR` is set'
always\t'Always'
never\t'Never'"
complete -c cacert-acme -n "__fish_cacert_acme_using_subcommand man" -l json -d 'Print one JSON document'
complete -c cacert-acme -n "__fish_cacert_acme_using_subcommand man" -s q -l quiet -d 'Print errors only'
complete -c cacert-acme -n "__fish_cacert_acme_using_subcommand man" -s v -l verbose -d 'Tell what happens; -vv with requests, -vvv everything'
complete -c cacert-acme -n "__fish_cacert_acme_using_subcommand man" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c cacert-acme -n "__fish_cacert_acme_using_subcommand man" -s V -l version -d 'Print version'
complete -c cacert-acme -n "__fish_cacert_acme_using_subcommand help; and not __fish_seen_subcommand_from register account issue dns-persist renew list show revoke completions man help" -f -a "register" -d 'Make an account with a key identifier and MAC key from the CAcert web UI'
complete -c cacert-acme -n "__fish_cacert_acme_using_subcommand help; and not __fish_seen_subcommand_from register account issue dns-persist renew list show revoke completions man help" -f -a "account" -d 'Show the account'
complete -c cacert-acme -n "__fish_cacert_acme_using_subcommand help; and not __fish_seen_subcommand_from register account issue dns-persist renew list show revoke completions man help" -f -a "issue" -d 'Get a certificate'
complete -c cacert-acme -n "__fish_cacert_acme_using_subcommand help; and not __fish_seen_subcommand_from register account issue dns-persist renew list show revoke completions man help" -f -a "dns-persist" -d 'Print the DNS records that let this account prove names for good'
complete -c cacert-acme -n "__fish_cacert_acme_using_subcommand help; and not __fish_seen_subcommand_from register account issue dns-persist renew list show revoke completions man help" -f -a "renew" -d 'Renew all certificates that are due'
complete -c cacert-acme -n "__fish_cacert_acme_using_subcommand help; and not __fish_seen_subcommand_from register account issue dns-persist renew list show revoke completions man help" -f -a "list" -d 'List the certificates'
complete -c cacert-acme -n "__fish_cacert_acme_using_subcommand help; and not __fish_seen_subcommand_from register account issue dns-persist renew list show revoke completions man help" -f -a "show" -d 'Show a certificate: its files, names, dates and how it is renewed'
complete -c cacert-acme -n "__fish_cacert_acme_using_subcommand help; and not __fish_seen_subcommand_from register account issue dns-persist renew list show revoke completions man help" -f -a "revoke" -d 'Revoke a certificate'
complete -c cacert-acme -n "__fish_cacert_acme_using_subcommand help; and not __fish_seen_subcommand_from register account issue dns-persist renew list show revoke completions man help" -f -a "completions" -d 'Print a completion script for a shell'
complete -c cacert-acme -n "__fish_cacert_acme_using_subcommand help; and not __fish_seen_subcommand_from register account issue dns-persist renew list show revoke completions man help" -f -a "man" -d 'Write the manual pages to a folder'
complete -c cacert-acme -n "__fish_cacert_acme_using_subcommand help; and not __fish_seen_subcommand_from register account issue dns-persist renew list show revoke completions man help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c cacert-acme -n "__fish_cacert_acme_using_subcommand help; and __fish_seen_subcommand_from account" -f -a "show" -d 'Ask the server for the account: status, contacts, binding, terms'
complete -c cacert-acme -n "__fish_cacert_acme_using_subcommand help; and __fish_seen_subcommand_from account" -f -a "list" -d 'List the accounts of this machine'
complete -c cacert-acme -n "__fish_cacert_acme_using_subcommand help; and __fish_seen_subcommand_from account" -f -a "update" -d 'Change where the CA can reach you'
complete -c cacert-acme -n "__fish_cacert_acme_using_subcommand help; and __fish_seen_subcommand_from account" -f -a "rollover" -d 'Replace the account key by another one'
complete -c cacert-acme -n "__fish_cacert_acme_using_subcommand help; and __fish_seen_subcommand_from account" -f -a "deactivate" -d 'Give the account up for good; its certificates stay valid'
