#!/usr/bin/env bash
# What `entragate setup --emit` prints, used for real: the scripts run against `entragate emulate --https`, and setup then says
# that nothing is left to do; the templates are read by other people's parsers.
#
# The binary is $ENTRAGATE_BIN, else the newest one in the target directory, else it is built.
# Ends with `N passed, N failed`; exit code 0 all passed, 1 something failed, 2 could not run.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)
"$here/install.sh" >&2
. "$root/tests/node.sh"
. "$root/tests/binary.sh"

work=$(mktemp -d)
: >"$work/emulator"
"$ENTRAGATE_BIN" emulate --port 0 --https --ca-out "$work/ca.pem" >"$work/emulator" 2>"$work/requests" &
emulator=$!
trap 'kill "$emulator"; rm -rf "$work"' EXIT
base=
while [ -z "$base" ]; do
    kill -0 "$emulator" || { echo 'tests/setup/run.sh: the emulator did not start' >&2; exit 2; }
    base=$(sed -n 's/^Entra emulator on //p' "$work/emulator")
done

# The fixtures of the emulator: a tenant, and a daemon that may write registrations.
tenant=11111111-1111-1111-1111-111111111111
daemon=d0000000-0000-4000-8000-000000000002
secret=adm-s3cret

export AZURE_AUTHORITY_HOST=$base GRAPH_URL=$base/v1.0 SSL_CERT_FILE=$work/ca.pem REQUESTS_CA_BUNDLE=$work/ca.pem
export CURL_CA_BUNDLE=$work/ca.pem NO_PROXY=localhost,127.0.0.1 AZURE_CONFIG_DIR=$work/azure AZURE_CORE_COLLECT_TELEMETRY=0
PATH=$here/.venv/bin:$PATH
# az asks for tokens for the address where it is told that Graph is.
endpoints="{\"endpoints\":{\"activeDirectory\":\"$base\",\"activeDirectoryResourceId\":\"$base/\",
  \"microsoftGraphResourceId\":\"$base/\",\"management\":\"$base/\",\"resourceManager\":\"$base/\"}}"
{
    az config set core.instance_discovery=false
    az cloud register --name emulator --skip-endpoint-discovery --cloud-config "$endpoints"
    az cloud set --name emulator
    az login --service-principal --username $daemon --password $secret --tenant $tenant \
        --allow-no-subscriptions --skip-subscription-discovery
} >"$work/login" 2>&1 || { cat "$work/login" >&2; exit 2; }
GRAPH_TOKEN=$(az account get-access-token --resource https://graph.microsoft.com/ --query accessToken --output tsv)
export GRAPH_TOKEN

passed=0
failed=0
# check WHAT COMMAND…
check() {
    local what=$1
    shift
    if "$@" >"$work/output" 2>&1; then
        passed=$((passed + 1))
        echo "ok: $what"
    else
        failed=$((failed + 1))
        echo "FAILED: $what"
        sed 's/^/    /' "$work/output"
    fi
}

relay=(--mode relay --credential federated --federated-subject system:serviceaccount:mcp:gateway
    --federated-issuer https://oidc.contoso.com/cluster)
broker=(--assign alice@contoso.test=Admin --assignment-required)

setup() { "$ENTRAGATE_BIN" setup --tenant $tenant --base-url https://mcp.contoso.com --graph-as token --dir "$work" "$@"; }

# script FORMAT MODE NAME OPTION…: prints it, runs it, and asks setup what is left.
script() {
    local format=$1 mode=$2 name=$3 file=$work/$1-$2.sh
    shift 3
    setup --name "$name" "$@" --emit "$format" >"$file" || [ $? = 1 ]
    check "$format, $mode: it runs" env SECRET_FILE="$work/$format-$mode.env" bash "$file"
    if [ "$format" = az ]; then
        check "$format, $mode: it may be run again" env SECRET_FILE="$work/$format-$mode.env" bash "$file"
    fi
    check "$format, $mode: nothing is left to do but the secret" nothing_left --name "$name" "$@"
}
nothing_left() {
    local plan
    plan=$(setup "$@") || [ $? = 1 ]
    echo "$plan"
    ! grep -E '^[+~-] ' <<<"$plan" | grep -v ' client secret$'
}

# The default way to Graph; 1: there is something to do.
as_whoever_is_signed_in() {
    local code=0
    env -u GRAPH_TOKEN "$ENTRAGATE_BIN" setup --tenant $tenant --base-url https://mcp.contoso.com --name 'as az' --dir "$work" || code=$?
    [ "$code" = 1 ]
}

# The commands of the Azure CLI for registrations, each with what is to be seen of it afterwards.
# sees QUERY EXPECTED COMMAND…
sees() {
    local query=$1 expected=$2 seen
    shift 2
    seen=$("$@" --query "$query" --output tsv) || return 1
    [ "$seen" = "$expected" ] || { echo "$query is '$seen', not '$expected'"; return 1; }
}
quietly() { "$@" --output none; }
graph_app=00000003-0000-0000-c000-000000000000
basic_profiles=97235f07-e226-4f63-ace3-39588e11d3a1
az_ad() {
    local app secret certificate=$work/certificate.pem
    check 'az ad app list' sees '[0].displayName' 'Contoso MCP API' az ad app list --display-name 'Contoso MCP API'
    check 'az ad app create' sees displayName 'by az' az ad app create --display-name 'by az' \
        --requested-access-token-version 2 --web-redirect-uris https://mcp.contoso.com/auth/callback
    app=$(az ad app list --display-name 'by az' --query '[0].appId' --output tsv)
    check 'az ad app update' quietly az ad app update --id "$app" --identifier-uris "api://$app"
    check 'az ad app show' sees 'identifierUris[0]' "api://$app" az ad app show --id "$app"
    check 'az ad sp create' sees appId "$app" az ad sp create --id "$app"
    check 'az ad sp show' sees displayName 'by az' az ad sp show --id "$app"
    check 'az ad app permission add' quietly az ad app permission add --id "$app" --api $graph_app \
        --api-permissions $basic_profiles=Role
    check 'az ad app permission list' sees '[0].resourceAccess[0].id' $basic_profiles az ad app permission list --id "$app"
    check 'az ad app permission grant' sees scope User.Read az ad app permission grant --id "$app" --api $graph_app --scope User.Read
    check 'az ad app permission grant, again' sees scope openid az ad app permission grant --id "$app" --api $graph_app --scope openid
    secret=$(az ad app credential reset --id "$app" --display-name 'of az' --query password --output tsv 2>"$work/reset") || true
    check 'az ad app credential reset: its secret signs in' curl -fsS "$base/$tenant/oauth2/v2.0/token" \
        -d grant_type=client_credentials -d "client_id=$app" --data-urlencode "client_secret=$secret" -d "scope=$base/.default"
    grep -v '^-----' "$root/crates/entragate-emulator/keys/client-certificate.pem" | tr -d '\n' >"$certificate"
    check 'az ad app credential reset, a certificate' quietly az ad app credential reset --id "$app" --append \
        --cert "$(cat "$certificate")" --display-name 'certificate of az'
    check 'az ad app credential list: its name' sees '[0].displayName' 'certificate of az' az ad app credential list --id "$app" --cert
    check 'az ad user show' sees displayName 'Alice Andersen' az ad user show --id alice@contoso.test
    check 'az ad app delete' quietly az ad app delete --id "$app"
}

cd "$work"
az_ad
check 'setup asks as whoever is signed in to the Azure CLI' as_whoever_is_signed_in
script az relay "O'Neil \"az\" \$(id)" "${relay[@]}"
script az broker 'Contoso az broker' "${broker[@]}"
check 'az, broker: only its owner reads the secret' test "$(stat -c %a "$work/az-broker.env")" = 600
script graph relay "O'Neil \"graph\" \$(id)" "${relay[@]}"
script graph broker 'Contoso graph broker' "${broker[@]}"

for mode in relay broker; do
    declare -n options=$mode
    name="O'Neil \"template\" \${x} \$(id)"
    setup --name "$name" "${options[@]}" --offline --emit terraform >"$work/$mode.tf" || [ $? = 1 ]
    setup --name "$name" "${options[@]}" --offline --emit bicep >"$work/$mode.bicep" || [ $? = 1 ]
    check "terraform, $mode: parser and provider's schema" node "$here/lib/hcl.mjs" "$work/$mode.tf"
    if command -v terraform >/dev/null; then
        check "terraform, $mode: its own formatter" env TF_CLI_CONFIG_FILE=/dev/null terraform fmt -check -diff "$work/$mode.tf"
    fi
    check "bicep, $mode: an independent parser" python "$here/lib/bicep.py" "$work/$mode.bicep"
done

echo "$passed passed, $failed failed"
[ "$failed" = 0 ]
