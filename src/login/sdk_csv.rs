//! Parser for the CSV of the `FileStore` of Zoho's SDKs.
//!
//! Version 8 writes ten columns (`id,user_name,…,redirect_uri,api_domain`; PHP says `redirect_url`). Older versions
//! write nine, without `id` or without `api_domain`. The header names the columns.

use crate::i18n::tr;
use crate::model::{ENVIRONMENT, ProfileName};
use crate::secret::Secret;
use crate::zoho::DataCenter;
use csv::{ReaderBuilder, StringRecord};

/// A row that can become a profile.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SdkUser {
    /// The line on which it starts, counted from 1.
    pub line: usize,
    /// The SDK's name for the user; may be empty.
    pub user_name: String,
    /// The client ID.
    pub client_id: String,
    /// The client secret.
    pub client_secret: Secret,
    /// The refresh token.
    pub refresh_token: Secret,
    /// The registered redirect URI, if there is one.
    pub redirect_uri: Option<String>,
    /// The data center of `api_domain`, if it is one of Zoho's.
    pub data_center: Option<&'static DataCenter>,
}

/// The contents of a file.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SdkFile {
    /// The rows that can become profiles, in file order.
    pub users: Vec<SdkUser>,
    /// The line numbers of all other rows, with what is missing.
    pub(crate) left_out: Vec<(usize, String)>,
}

/// Required columns.
const NEEDED: [&str; 3] = ["client_id", "client_secret", "refresh_token"];

/// Parses the file; the error is a sentence. Incomplete rows are skipped.
pub fn parse(text: &str) -> Result<SdkFile, String> {
    let mut rows = rows(text.trim_start_matches('\u{feff}'))?.into_iter();
    let (_, header) = rows.next().ok_or_else(|| tr!("the file is empty"))?;
    let header: Vec<String> = header.iter().map(|name| name.trim().to_ascii_lowercase()).collect();
    if let Some(missing) = NEEDED.iter().find(|name| !header.iter().any(|found| found == *name)) {
        return Err(tr!("its first line has no column '{missing}'", missing));
    }
    let mut file = SdkFile::default();
    for (line, row) in rows {
        let row = Row { header: &header, cells: &row };
        if row.cells.iter().all(|cell| cell.trim().is_empty()) {
            continue;
        }
        match user(line, &row) {
            Ok(user) => file.users.push(user),
            Err(lacking) => file.left_out.push((line, lacking)),
        }
    }
    Ok(file)
}

struct Row<'a> {
    header: &'a [String],
    cells: &'a StringRecord,
}

impl<'a> Row<'a> {
    /// The cell of a column; `None` if it is empty or holds an SDK's null.
    fn get(&self, name: &str) -> Option<&'a str> {
        let column = self.header.iter().position(|found| found == name)?;
        let cell = self.cells.get(column)?.trim();
        (!cell.is_empty() && !["null", "None", "undefined"].contains(&cell)).then_some(cell)
    }
}

fn user(line: usize, row: &Row<'_>) -> Result<SdkUser, String> {
    if row.cells.len() != row.header.len() {
        return Err(tr!("as many columns as the header"));
    }
    let token =
        |name, lacking| row.get(name).filter(|token| crate::model::is_well_formed(token)).ok_or(lacking);
    Ok(SdkUser {
        line,
        user_name: row.get("user_name").or_else(|| row.get("user_mail")).unwrap_or_default().to_owned(),
        refresh_token: Secret::new(token("refresh_token", tr!("a refresh token"))?),
        client_id: token("client_id", tr!("a client ID"))?.to_owned(),
        client_secret: Secret::new(token("client_secret", tr!("a client secret"))?),
        redirect_uri: row
            .get("redirect_uri")
            .or_else(|| row.get("redirect_url"))
            .filter(|uri| url::Url::parse(uri).is_ok())
            .map(str::to_owned),
        data_center: row.get("api_domain").and_then(DataCenter::by_api_domain),
    })
}

/// The rows of a CSV (RFC 4180), each with the line on which it starts.
fn rows(text: &str) -> Result<Vec<(usize, StringRecord)>, String> {
    // Such a quote would take in every row below it without an error.
    if text.matches('"').count() % 2 == 1 {
        return Err(tr!("a quote does not end"));
    }
    let mut reader = ReaderBuilder::new().has_headers(false).flexible(true).from_reader(text.as_bytes());
    let row = |row: csv::Result<StringRecord>| {
        let row = row.map_err(|error| error.to_string())?;
        let (line, start) = row.position().map_or((1, 0), |at| (at.line() as usize, at.byte() as usize));
        // The reader skips the blank lines that come next.
        let blank = text[start..].chars().take_while(|c| "\r\n".contains(*c)).filter(|c| *c == '\n').count();
        Ok((line + blank, row))
    };
    reader.records().map(row).collect()
}

/// A valid profile name for each of `wanted`, different from the others and from those `taken`.
pub(crate) fn names(wanted: &[&str], taken: &[String]) -> Vec<ProfileName> {
    let mut given: Vec<ProfileName> = Vec::new();
    for wanted in wanted {
        let base = legal(wanted);
        let is_free = |name: &ProfileName| {
            name.as_str() != ENVIRONMENT && !taken.iter().any(|t| t == name.as_str()) && !given.contains(name)
        };
        let tries = std::iter::once(base.clone()).chain((2..).map(|n| format!("{base}-{n}")));
        let name = tries.filter_map(|name| ProfileName::new(&name).ok()).find(is_free);
        given.extend(name);
    }
    given
}

/// The part before the `@`, with illegal characters replaced by hyphens, and short enough to append a number.
fn legal(wanted: &str) -> String {
    let local = wanted.split('@').next().unwrap_or_default();
    let legal = |c: char| if c.is_ascii_alphanumeric() || "._-".contains(c) { c } else { '-' };
    let name: String = local.chars().map(legal).collect();
    let name: String = name.trim_matches(|c: char| !c.is_ascii_alphanumeric()).chars().take(48).collect();
    if name.is_empty() { "zoho".into() } else { name }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const TEN: &str = "id,user_name,client_id,client_secret,refresh_token,access_token,grant_token,expiry_time,redirect_uri,api_domain\n";

    #[test]
    fn ten_columns_are_read() {
        let text = format!(
            "{TEN}1,ann@x.jp,1000.A,sa,1000.r.a,1000.t,,1700000000000,https://www.google.com/,https://www.zohoapis.jp\n\
             2,\"bob, jr\",1000.A,sa,1000.r.b,null,null,0,,https://www.zohoapis.com\r\n\n3,eve,1000.A,sa,,,,,,\n"
        );
        let file = parse(&text).unwrap();
        assert_eq!(file.left_out, [(5, "a refresh token".to_owned())]);
        let [ann, bob] = file.users.as_slice() else { panic!("{file:?}") };
        assert_eq!((ann.line, ann.user_name.as_str()), (2, "ann@x.jp"));
        assert_eq!(ann.refresh_token.expose(), "1000.r.a");
        assert_eq!(ann.redirect_uri.as_deref(), Some("https://www.google.com/"));
        assert_eq!(ann.data_center.map(|dc| dc.code), Some("jp"));
        assert_eq!((bob.user_name.as_str(), bob.data_center.map(|dc| dc.code)), ("bob, jr", Some("us")));
        assert_eq!(bob.redirect_uri, None);
    }

    #[test]
    fn nine_columns_are_read() {
        let without_domain = TEN.replace(",api_domain", "").replace("redirect_uri", "redirect_url");
        let file = parse(&format!("{without_domain}1,ann,1000.A,s,1000.r,,,,https://x/")).unwrap();
        assert_eq!(file.users[0].redirect_uri.as_deref(), Some("https://x/"));
        assert_eq!(file.users[0].data_center, None);
        let without_id = TEN.replace("id,user_name", "user_name");
        let file = parse(&format!("{without_id}ann,1000.A,s,1000.r,,,,,https://www.zohoapis.eu")).unwrap();
        assert_eq!(file.users[0].data_center.map(|dc| dc.code), Some("eu"));
    }

    #[test]
    fn a_strange_file_is_refused() {
        for text in ["", "a,b\n1,2\n", "{\"refresh_token\":\"x\"}", &format!("{TEN}1,\"ann")] {
            assert!(parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn names_are_legal_and_unlike() {
        let names = names(&["ann@x.jp", "ann@y.jp", "", "山田", "env", "crm"], &["crm".into()]);
        let names: Vec<_> = names.iter().map(ProfileName::as_str).collect();
        assert_eq!(names, ["ann", "ann-2", "zoho", "zoho-2", "env-2", "crm-2"]);
    }

    #[test]
    fn a_row_has_the_line_that_it_begins_in() {
        let rows = rows("a,\"b\nc\"\r\n\r\nd\n\n\ne").unwrap();
        assert_eq!(rows.iter().map(|(line, _)| *line).collect::<Vec<_>>(), [1, 4, 7]);
    }

    fn quoted(cell: &str) -> String {
        format!("\"{}\"", cell.replace('"', "\"\""))
    }

    proptest! {
        #[test]
        fn what_was_quoted_is_read_back(cells in proptest::collection::vec("[\\PC\n\",]{0,12}", 1..6)) {
            let line = cells.iter().map(|cell| quoted(cell)).collect::<Vec<_>>().join(",");
            prop_assert_eq!(rows(&format!("{line}\n")).unwrap(), vec![(1, StringRecord::from(cells))]);
        }

        #[test]
        fn every_user_gets_a_name_of_its_own(wanted in proptest::collection::vec("\\PC{0,70}", 0..12)) {
            let wanted: Vec<&str> = wanted.iter().map(String::as_str).collect();
            let names = names(&wanted, &["zoho".into()]);
            prop_assert_eq!(names.len(), wanted.len());
            let mut unlike = names.clone();
            unlike.sort();
            unlike.dedup();
            prop_assert_eq!(unlike.len(), names.len());
        }
    }
}
