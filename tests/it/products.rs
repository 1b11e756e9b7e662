//! docs/products.md is made from the product table. `ZOHO_CRED_WRITE_DOCS=1` regenerates it.

use crate::links::is_generated;
use std::fmt::Write;
use std::path::Path;
use zoho_cred::zoho::data_center::{ALL, Certainty};
use zoho_cred::zoho::products::{self, OrgParameter, Product, TokenRefusal};
use zoho_cred::zoho::scopes;

const INTRODUCTION: &str = "\
# Products

Made from `src/zoho/products.toml`. The helpers, `zoho-cred api`, the completion of scopes and this page use the same table.

`{gateway}` is the domain of the API gateway, `{zoho}` the product domain and `{accounts}` the accounts server of your data
center:

";

#[test]
fn the_page_is_what_the_table_says() {
    is_generated("docs/products.md", &page(), "products");
}

/// The table of 401 answers in the troubleshooting pages.
#[test]
fn the_answers_in_the_troubleshooting_pages_are_the_tables() {
    let english = "| product | token is invalid | scope is missing | wrong organization | does not tell |\n|---|---|---|---|---|\n";
    let japanese =
        "| 製品 | トークンが無効 | スコープの不足 | 組織の間違い | 判別できない |\n|---|---|---|---|---|\n";
    for (page, head, all, html) in [
        ("docs/troubleshooting.md", english, "all", "any HTML page"),
        ("docs/ja/troubleshooting.md", japanese, "共通", "HTML のページ"),
    ] {
        let text = std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(page)).unwrap();
        let start = "<!-- products: made from src/zoho/products.toml -->\n";
        let (before, rest) = text.split_once(start).unwrap();
        let (_, after) = rest.split_once("<!-- /products -->").unwrap();
        let table = answers(head, all).replace("any HTML page", html);
        is_generated(page, &format!("{before}{start}{table}<!-- /products -->{after}"), "products");
    }
}

fn answers(head: &str, all: &str) -> String {
    let mut table = head.to_owned();
    let general = refused(products::by_name("accounts").unwrap());
    writeln!(table, "| {all} | {} |", general.join(" | ")).unwrap();
    for product in products::all() {
        let own = refused(product);
        let cells = own.iter().zip(&general).map(|(own, general)| {
            let own = own.strip_suffix(general.as_str()).filter(|_| !general.is_empty()).unwrap_or(own);
            own.trim_end_matches(", ").trim_start_matches(&format!("{general}, ")).to_owned()
        });
        let cells: Vec<_> = cells.collect();
        if cells.iter().any(|cell| !cell.is_empty()) {
            writeln!(table, "| {} | {} |", product.title, cells.join(" | ")).unwrap();
        }
    }
    table
}

fn page() -> String {
    let mut page = INTRODUCTION.to_owned();
    page += "| code | `{accounts}` | `{gateway}` | `{zoho}` | known from |\n|---|---|---|---|---|\n";
    for dc in &ALL {
        let gateway = match dc.certainty {
            Certainty::NoGateway => "the first token response".to_owned(),
            _ => format!("`{}`", dc.api_host.trim_start_matches("www.")),
        };
        let known = match dc.certainty {
            Certainty::Known => "Zoho's documentation",
            Certainty::Partly => "Zoho's documentation of some hosts; the others follow the pattern",
            Certainty::ThirdParty => "third parties only",
            Certainty::NoGateway => "Zoho's tools; the gateway is not documented",
        };
        let (code, accounts, zoho) = (dc.code, dc.accounts_host, dc.product_domain);
        writeln!(page, "| `{code}` | `{accounts}` | {gateway} | `{zoho}` | {known} |").unwrap();
    }
    page += "\n## Hosts and organizations\n\nThe first host is where `--product` sends requests. `org_id` of the profile is sent as \
             the organization.\n\n| product | `--product` | hosts | path | organization | `Bearer` |\n|---|---|---|---|---|---|\n";
    for product in products::all() {
        let hosts = list(product.host_patterns());
        let base = if product.base.is_empty() { String::new() } else { format!("`{}`", product.base) };
        let org = match &product.org {
            None => String::new(),
            Some(OrgParameter::Header(name)) => format!("header `{name}`"),
            Some(OrgParameter::Query(name)) => format!("parameter `{name}`"),
        };
        let bearer = product.bearer.map(|it| format!("{it:?}").to_lowercase()).unwrap_or_default();
        writeln!(page, "| {} | `{}` | {hosts} | {base} | {org} | {bearer} |", product.title, product.name)
            .unwrap();
    }
    page += "\nEvery product accepts the scheme `Zoho-oauthtoken`. For products that refuse `Bearer`, `api` ignores `scheme = \"bearer\"`. Where the\n\
         column is empty, nobody has said which it is.\n\n## Presets\n\n`login --scope` accepts these names for sets of \
         scopes.\n\n| preset | scopes |\n|---|---|\n";
    for (name, scopes) in scopes::table() {
        writeln!(page, "| `{name}` | {} |", list(scopes)).unwrap();
    }
    page += "\n## Scopes\n\nCommon scopes; no list is complete. `{module}` is the name of any module. A scope that ends in `ALL` also \
             exists with `READ`, `CREATE`, `UPDATE`\nor `DELETE`.\n\n| product | scopes |\n|---|---|\n";
    for product in products::all() {
        writeln!(page, "| {} | {} |", product.title, list(&product.scopes)).unwrap();
    }
    page += "\n## Answers with status 401\n\nWords and codes that tell a dead token from another problem. Where none is found, or it is \
             listed as unclear, `zoho-cred api` asks\n`/oauth/user/info` whether the token is valid.\n\n| product | dead token | \
             missing scope | wrong organization | unclear |\n|---|---|---|---|---|\n";
    for product in products::all() {
        writeln!(page, "| {} | {} |", product.title, refused(product).join(" | ")).unwrap();
    }
    page += "\n## Sources\n\n| product | source |\n|---|---|\n";
    for product in products::all() {
        writeln!(page, "| {} | {} |", product.title, product.source).unwrap();
    }
    writeln!(page, "| words of all products | {} |", products::general_source()).unwrap();
    page
}

fn refused(product: &Product) -> [String; 4] {
    let words = |refusal| list(&product.words(refusal));
    let html = products::refusal(Some(product), "", b"<html>") == TokenRefusal::Dead;
    let dead = words(TokenRefusal::Dead) + if html { ", any HTML page" } else { "" };
    [dead, words(TokenRefusal::Scope), words(TokenRefusal::Org), words(TokenRefusal::Unclear)]
}

fn list<T: AsRef<str>>(words: &[T]) -> String {
    words.iter().map(|word| format!("`{}`", word.as_ref())).collect::<Vec<_>>().join(", ")
}
