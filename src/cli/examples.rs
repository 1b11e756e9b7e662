//! The examples at the end of every help page. Only the heading is translated.

/// The heading; every text below starts with it.
pub(crate) const HEADING: &str = "Examples:";

pub(super) const TOP: &str = "Examples:
  zoho-cred login crm
  curl -H \"$(zoho-cred get -o header)\" \"$URL\"
  zoho-cred doctor";

pub(super) const GET: &str = "Examples:
  zoho-cred get crm
  zoho-cred get -o header | curl -H @- \"$URL\"
  eval \"$(zoho-cred get -o env)\"
  zoho-cred get --output-file token.txt --watch";

pub(super) const REJECT: &str = "Examples:
  printf %s \"$TOKEN\" | zoho-cred reject crm";

pub(super) const LOGIN: &str = "Examples:
  zoho-cred login crm
  zoho-cred login crm --data-center eu --scope ZohoCRM.modules.ALL
  zoho-cred login crm --flow paste
  zoho-cred login crm --client-secret-only
  zoho-cred login ci --flow refresh-token --refresh-token-file - < token.txt";

pub(super) const LOGOUT: &str = "Examples:
  zoho-cred logout crm
  zoho-cred logout crm --local";

pub(super) const PROFILE: &str = "Examples:
  zoho-cred profile use crm
  zoho-cred profile rename crm sales";

pub(super) const PROFILE_USE: &str = "Examples:
  zoho-cred profile use crm";

pub(super) const PROFILE_RENAME: &str = "Examples:
  zoho-cred profile rename crm sales";

pub(super) const PROFILE_REMOVE: &str = "Examples:
  zoho-cred profile remove crm
  zoho-cred profile remove crm --local";

pub(super) const EXPORT: &str = "Examples:
  zoho-cred export crm | ssh server zoho-cred import - crm --write
  zoho-cred export crm | gh secret set -f -";

pub(super) const IMPORT_STDIN: &str = "Examples:
  zoho-cred export crm | ssh server zoho-cred import - crm --write";

pub(super) const IMPORT: &str = "Examples:
  zoho-cred import env
  zoho-cred import sdk php_sdk_token.txt --write";

pub(super) const IMPORT_ENV: &str = "Examples:
  zoho-cred import env
  zoho-cred import env crm --write";

pub(super) const IMPORT_SDK: &str = "Examples:
  zoho-cred import sdk php_sdk_token.txt
  zoho-cred import sdk php_sdk_token.txt --data-center eu --write";

pub(super) const LIST: &str = "Examples:
  zoho-cred list
  zoho-cred list -o json | jq -r '.[].name'";

pub(super) const STATUS: &str = "Examples:
  zoho-cred status crm
  zoho-cred status -o json | jq .budget";

pub(super) const DOCTOR: &str = "Examples:
  zoho-cred doctor
  zoho-cred doctor crm -o json
  zoho-cred doctor --fix";

pub(super) const EXEC: &str = "Examples:
  zoho-cred exec crm -- python3 sync.py
  zoho-cred exec -- sh -c 'ZOHO_TOKEN=$ZOHO_ACCESS_TOKEN exec node report.mjs'";

pub(super) const API: &str = "Examples:
  zoho-cred api '/crm/v8/Leads?fields=Last_Name,Email'
  zoho-cred api /crm/v8/Leads -f 'data[][Last_Name]=Yamada'
  zoho-cred api --product desk tickets --paginate
  zoho-cred api --product books invoices -X GET -f status=sent";

pub(super) const HELPER: &str = "Examples:
  git config --global credential.helper zoho
  bazel build --credential_helper=credential-helper-zoho //...";

pub(super) const HELPER_GIT: &str = "Examples:
  printf 'protocol=https\\nhost=www.zohoapis.com\\n\\n' | zoho-cred helper git get";

pub(super) const HELPER_URI: &str = "Examples:
  echo '{\"uri\":\"https://www.zohoapis.com/\"}' | zoho-cred helper uri get";

pub(super) const SETUP: &str = "Examples:
  zoho-cred setup curl >> ~/.bashrc
  zoho-cred setup github-actions crm > .github/workflows/zoho.yaml";

pub(super) const KEYGEN: &str = "Examples:
  zoho-cred keygen";

pub(super) const COMPLETIONS: &str = "Examples:
  source <(zoho-cred completions bash)
  zoho-cred completions fish > ~/.config/fish/completions/zoho-cred.fish";

pub(super) const MAN: &str = "Examples:
  zoho-cred man
  zoho-cred man helper git
  zoho-cred man --dir ~/.local/share/man/man1";
