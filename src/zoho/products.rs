//! Zoho's products, from `products.toml`, which says what each key means.

use crate::zoho::DataCenter;
use serde::Deserialize;
use serde_json::Value;
use std::collections::BTreeMap;
use std::sync::LazyLock;

static TABLE: LazyLock<Table> =
    LazyLock::new(|| toml::from_str(include_str!("products.toml")).unwrap_or_default());

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Table {
    any: Any,
    product: Vec<Product>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Any {
    dead: Vec<String>,
    scope: Vec<String>,
    org: Vec<String>,
    source: String,
}

/// A row of the table.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Product {
    /// Its name on the command line.
    pub name: String,
    /// Its name for people.
    pub title: String,
    hosts: Vec<String>,
    /// Path of its API below the host, without a trailing slash. Empty if there is none.
    pub base: String,
    /// A call below `base` that reads something without an id.
    pub(crate) sample: Option<String>,
    /// Where a call names the organization.
    pub org: Option<OrgParameter>,
    /// Scopes, where `{module}` stands for any name.
    pub scopes: Vec<String>,
    #[serde(default)]
    pub(super) resources: BTreeMap<String, String>,
    /// Names for sets of scopes.
    #[serde(default)]
    pub presets: BTreeMap<String, Vec<String>>,
    #[serde(default)]
    refused: Refused,
    /// Whether it accepts the scheme `Bearer`, if that is known.
    pub bearer: Option<BearerSupport>,
    /// How its lists are divided into pages.
    pub paging: Option<Paging>,
    /// Where the row's facts come from.
    pub source: String,
}

/// Where a call names the organization.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum OrgParameter {
    /// In this header.
    Header(String),
    /// In this parameter of the query.
    Query(String),
}

/// What a product makes of the scheme `Bearer`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum BearerSupport {
    /// It accepts it.
    Accepted,
    /// It answers 401.
    Refused,
}

/// How lists are divided into pages.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Paging {
    /// `info.more_records`, then `page_token` or `page`.
    Crm,
    /// `page_context.has_more_page`, then `page`.
    Books,
    /// `from` and `limit`; the last page is not full.
    Desk,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Refused {
    dead: Vec<String>,
    scope: Vec<String>,
    org: Vec<String>,
    unclear: Vec<String>,
    html: Option<TokenRefusal>,
}

/// What a 401 says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum TokenRefusal {
    /// The token is dead.
    Dead,
    /// The token lacks a scope.
    Scope,
    /// The organization is missing or not the token's.
    Org,
    /// One of these.
    Unclear,
}

impl Product {
    /// Its hosts in a data center. Requests go to the first one.
    pub fn hosts(&self, dc: &DataCenter) -> Vec<String> {
        let fill = |host: &String| {
            let host = host.replace("{zoho}", dc.product_domain).replace("{accounts}", dc.accounts_host);
            host.replace("{gateway}", dc.gateway_domain())
        };
        self.hosts.iter().map(fill).collect()
    }

    /// The hosts as written in the table, with their placeholders.
    pub fn host_patterns(&self) -> &[String] {
        &self.hosts
    }

    /// Whether calls go to the API gateway.
    pub(crate) fn is_on_gateway(&self) -> bool {
        self.hosts.first().is_some_and(|host| host == "www.{gateway}")
    }

    /// The words and codes of a 401 with this meaning, those of all products included.
    pub fn words(&self, refusal: TokenRefusal) -> Vec<&str> {
        let (any, own) = (&TABLE.any, &self.refused);
        let (general, own): (&[String], &[String]) = match refusal {
            TokenRefusal::Dead => (&any.dead, &own.dead),
            TokenRefusal::Scope => (&any.scope, &own.scope),
            TokenRefusal::Org => (&any.org, &own.org),
            TokenRefusal::Unclear => (&[], &own.unclear),
        };
        own.iter().chain(general).map(String::as_str).collect()
    }
}

/// Reads a 401. `challenge` is its `WWW-Authenticate` header. `product` is `None` if it is not known.
pub fn refusal(product: Option<&Product>, challenge: &str, body: &[u8]) -> TokenRefusal {
    let none = Refused::default();
    let (any, own) = (&TABLE.any, product.map_or(&none, |product| &product.refused));
    let text = String::from_utf8_lossy(body);
    let mut said: Vec<String> =
        challenge.split(|c: char| !(c.is_alphanumeric() || c == '_')).map(str::to_owned).collect();
    match serde_json::from_str::<Value>(&text) {
        Ok(json) => scalars(&json, &mut said),
        Err(_) if text.trim_start().starts_with('<') => return own.html.unwrap_or(TokenRefusal::Unclear),
        Err(_) => said.push(text.into_owned()),
    }
    let says = |words: &[String]| {
        let same =
            |word: &String, said: &String| said.trim().trim_end_matches('.').eq_ignore_ascii_case(word);
        words.iter().any(|word| said.iter().any(|said| same(word, said)))
    };
    match () {
        () if says(&own.scope) || says(&any.scope) => TokenRefusal::Scope,
        () if says(&own.org) || says(&any.org) => TokenRefusal::Org,
        () if says(&own.unclear) => TokenRefusal::Unclear,
        () if says(&own.dead) || says(&any.dead) => TokenRefusal::Dead,
        () => TokenRefusal::Unclear,
    }
}

/// Collects all strings and numbers.
fn scalars(json: &Value, found: &mut Vec<String>) {
    match json {
        Value::String(text) => found.push(text.clone()),
        Value::Number(number) => found.push(number.to_string()),
        Value::Array(items) => items.iter().for_each(|item| scalars(item, found)),
        Value::Object(fields) => fields.values().for_each(|field| scalars(field, found)),
        Value::Null | Value::Bool(_) => {}
    }
}

/// All products.
pub fn all() -> &'static [Product] {
    &TABLE.product
}

/// Where the words that apply to every product come from.
pub fn general_source() -> &'static str {
    &TABLE.any.source
}

/// The product with this name.
pub fn by_name(name: &str) -> Option<&'static Product> {
    all().iter().find(|product| product.name == name)
}

/// The hosts of all products in a data center, the API gateway first.
pub(crate) fn hosts(dc: &DataCenter) -> Vec<String> {
    let mut hosts = Vec::new();
    for host in all().iter().flat_map(|product| product.hosts(dc)) {
        if !hosts.contains(&host) {
            hosts.push(host);
        }
    }
    hosts
}

/// The product that a request is for: by its host, on the gateway by its path. On hosts of no data center, only the
/// path counts, as on a gateway.
pub(crate) fn of_request(dc: Option<&DataCenter>, host: &str, path: &str) -> Option<&'static Product> {
    let first = first_segment(path);
    let on_gateway = |product: &&Product| product.is_on_gateway() && first_segment(&product.base) == first;
    let on_host = |product: &&Product| dc.is_some_and(|dc| product.hosts(dc).iter().any(|own| own == host));
    let is_gateway = dc.is_none_or(|dc| {
        host.strip_suffix(dc.gateway_domain()).is_some_and(|rest| rest.is_empty() || rest.ends_with('.'))
    });
    let by_path = all().iter().find(on_gateway).filter(|_| is_gateway);
    by_path
        .or_else(|| all().iter().find(|product| on_host(product) && !(is_gateway && product.is_on_gateway())))
}

/// The first segment of a path.
pub(crate) fn first_segment(path: &str) -> &str {
    path.trim_start_matches('/').split(['/', '?']).next().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::TokenRefusal::{Dead, Org, Scope, Unclear};
    use super::*;
    use crate::zoho::data_center;

    #[test]
    fn every_row_is_complete_and_unique() {
        let listed = "crm bigin books inventory invoice billing expense desk mail projects people recruit analytics creator \
                      cliq workdrive sign sheet writer calendar meeting campaigns sprints catalyst bookings salesiq assist \
                      contracts commerce payments social learn lens accounts";
        assert!(listed.split_whitespace().eq(all().iter().map(|product| product.name.as_str())));
        assert!(general_source().starts_with("https://"));
        for product in all() {
            let Product { name, source, base, scopes, .. } = product;
            assert!(source.len() > 20 && !scopes.is_empty(), "{name}");
            assert!(base.is_empty() || (base.starts_with('/') && !base.ends_with('/')), "{name}");
            for dc in &data_center::ALL {
                for host in product.hosts(dc) {
                    assert!(!host.contains(['{', '}', '/']) && host.contains('.'), "{name}: {host}");
                }
            }
        }
    }

    #[test]
    fn a_401_is_read_as_its_product_means_it() {
        let cases = [
            ("crm", r#"{"code":"INVALID_TOKEN","message":"invalid oauth token"}"#, Dead),
            ("crm", r#"{"code":"OAUTH_SCOPE_MISMATCH","message":"x"}"#, Scope),
            ("recruit", r#"{"code":"AUTHENTICATION_FAILURE","message":"x"}"#, Dead),
            ("desk", r#"{"errorCode":"INVALID_OAUTH","message":"x"}"#, Dead),
            ("desk", r#"{"errorCode":"SCOPE_MISMATCH","message":"x"}"#, Scope),
            ("desk", r#"{"errorCode":"OAUTH_ORG_MISMATCH","message":"x"}"#, Org),
            ("desk", r#"{"errorCode":"UNAUTHORIZED","message":"x"}"#, Unclear),
            ("books", r#"{"code":14,"message":"x"}"#, Unclear),
            ("books", r#"{"code":57,"message":"x"}"#, Unclear),
            ("mail", r#"{"status":{"code":401},"data":{"errorCode":"INVALID_OAUTHTOKEN"}}"#, Dead),
            ("mail", r#"{"data":{"errorCode":"INVALID_OAUTHSCOPE"}}"#, Scope),
            ("projects", r#"{"error":{"status_code":"401","title":"INVALID_OAUTHTOKEN"}}"#, Dead),
            ("projects", r#"{"error":{"code":401,"message":"Invalid OAuth scope."}}"#, Scope),
            ("analytics", r#"{"data":{"errorCode":8535}}"#, Dead),
            ("analytics", r#"{"data":{"errorCode":8540}}"#, Scope),
            ("analytics", r#"{"data":{"errorCode":8518}}"#, Unclear),
            ("social", r#"{"error":{"code":401,"message":"INVALID_OAUTHSCOPE"}}"#, Scope),
            ("creator", r#"{"code":1030,"message":"x"}"#, Dead),
            ("cliq", r#"{"code":"oauthtoken_invalid","message":"x"}"#, Dead),
            ("people", r#"{"response":{"errors":{"code":7218}}}"#, Unclear),
            ("recruit", r#"{"response":{"error":{"code":"4834","message":"x"}}}"#, Unclear),
            ("salesiq", r#"{"error":{"code":1008,"message":"x"}}"#, Unclear),
            ("accounts", r#"{"response":"error","cause":"INVALID_OAUTHTOKEN"}"#, Dead),
            ("bookings", "<html><body>Unauthorized</body></html>", Dead),
            ("desk", "<html><body>Unauthorized</body></html>", Unclear),
            ("sign", "", Unclear),
        ];
        for (name, body, expected) in cases {
            let product = by_name(name).unwrap();
            assert_eq!(refusal(Some(product), "", body.as_bytes()), expected, "{name}: {body}");
        }
        assert_eq!(refusal(None, r#"Bearer error="expired_token""#, b""), Dead);
        assert_eq!(refusal(by_name("books"), r#"Bearer error="insufficient_scope""#, b"{}"), Scope);
    }

    #[test]
    fn a_request_is_for_the_product_of_its_host_or_path() {
        let name = |dc: Option<&str>, host: &str, path: &str| {
            let dc = dc.and_then(DataCenter::by_code);
            of_request(dc, host, path).map(|product| product.name.as_str())
        };
        for (dc, host, path, product) in [
            (Some("jp"), "www.zohoapis.jp", "/crm/v8/Leads", Some("crm")),
            (Some("ca"), "www.zohoapis.ca", "/books/v3/contacts?page=2", Some("books")),
            (Some("jp"), "desk.zoho.jp", "/api/v1/tickets", Some("desk")),
            (Some("jp"), "books.zoho.jp", "/api/v3/contacts", Some("books")),
            (Some("jp"), "sandbox.zohoapis.jp", "/crm/v8/Leads", Some("crm")),
            (Some("jp"), "accounts.zoho.jp", "/oauth/user/info", Some("accounts")),
            (Some("jp"), "www.zohoapis.jp", "/nothing", None),
            (None, "127.0.0.1:9", "/crm/v8/Leads", Some("crm")),
            (None, "127.0.0.1:9", "/api/v1/tickets", None),
        ] {
            assert_eq!(name(dc, host, path), product, "{host}{path}");
        }
    }
}
