//! The arguments of `api`.

use crate::i18n::tr;
use clap::Args;
use serde_json::Value;
use std::path::PathBuf;

#[derive(Debug, Args)]
pub(crate) struct ApiArgs {
    /// Path of the API, such as /crm/v8/org, or a URL of one of the profile's hosts
    #[arg(value_name = "PATH|URL")]
    pub(crate) endpoint: String,
    /// HTTP method; the default is GET, or POST with fields or a body
    #[arg(short = 'X', long, value_parser = method)]
    pub(crate) method: Option<String>,
    #[arg(
        short = 'f',
        long = "raw-field",
        value_name = "KEY=TEXT",
        value_parser = raw_field,
        help = "Add a text to the JSON body, or to the query of a GET; KEY may be a[b] or a[][b], and a[] alone an empty list"
    )]
    pub(crate) raw_fields: Vec<(String, Value)>,
    /// Like -f, but numbers, true, false and null keep their JSON type; added after all of -f
    #[arg(short = 'F', long = "field", value_name = "KEY=VALUE", value_parser = typed_field)]
    pub(crate) typed_fields: Vec<(String, Value)>,
    /// Add a header
    #[arg(short = 'H', long = "header", value_name = "NAME:VALUE", value_parser = header)]
    pub(crate) headers: Vec<(String, String)>,
    /// Send the contents of FILE as the body (- for stdin)
    #[arg(long, value_name = "FILE")]
    pub(crate) input: Option<PathBuf>,
    /// Zoho product, whose host and path are used, such as desk
    #[arg(long, value_name = "NAME")]
    pub(crate) product: Option<String>,
    /// Print the status and the headers, too
    #[arg(short, long)]
    pub(crate) include: bool,
    /// Get all pages of a list of CRM, Books or Desk, and print one JSON document a page
    #[arg(long, conflicts_with = "input")]
    pub(crate) paginate: bool,
}

fn method(text: &str) -> Result<String, String> {
    let legal = !text.is_empty() && text.bytes().all(|b| b.is_ascii_alphabetic());
    if legal { Ok(text.to_ascii_uppercase()) } else { Err(tr!("'{text}' is not an HTTP method", text)) }
}

fn raw_field(text: &str) -> Result<(String, Value), String> {
    let (key, value) = match text.split_once('=') {
        Some((key, value)) => (key, Value::from(value)),
        None if text.ends_with("[]") => (text, Value::Array(Vec::new())),
        None => return Err(tr!("use the form KEY=VALUE")),
    };
    if key.is_empty() || key.starts_with('[') {
        return Err(tr!("use the form KEY=VALUE"));
    }
    Ok((key.to_owned(), value))
}

fn typed_field(text: &str) -> Result<(String, Value), String> {
    let (key, value) = raw_field(text)?;
    let typed = value.as_str().and_then(|text| serde_json::from_str(text).ok());
    let is_scalar = |typed: &Value| typed.is_number() || typed.is_boolean() || typed.is_null();
    Ok((key, typed.filter(is_scalar).unwrap_or(value)))
}

fn header(text: &str) -> Result<(String, String), String> {
    let (name, value) = text.split_once(':').ok_or_else(|| tr!("use the form NAME:VALUE"))?;
    let (name, value) = (name.trim(), value.trim());
    let legal = |b: u8| b.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&b);
    let ours =
        ["authorization", "proxy-authorization", "host", "content-length", "transfer-encoding", "connection"];
    match () {
        () if name.is_empty() || !name.bytes().all(legal) => {
            Err(tr!("'{name}' is not the name of a header", name))
        }
        () if ours.contains(&&*name.to_ascii_lowercase()) => {
            Err(tr!("zoho-cred sets the header {name} itself", name))
        }
        () if value.chars().any(char::is_control) => {
            Err(tr!("the value of {name} has a control character", name))
        }
        () => Ok((name.to_owned(), value.to_owned())),
    }
}
