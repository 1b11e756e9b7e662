//! `multipart/form-data` (RFC 7578), which Zoho accepts and its SDK for Node sends.

/// The text fields of a body; empty if the content type differs or parsing fails.
pub(super) fn fields(content_type: &str, body: &[u8]) -> Vec<(String, String)> {
    let Some(boundary) = boundary(content_type) else { return Vec::new() };
    let (text, delimiter) = (String::from_utf8_lossy(body), format!("--{boundary}"));
    let parts = text.split(&delimiter).skip(1).take_while(|part| !part.starts_with("--"));
    parts.filter_map(field).collect()
}

fn boundary(content_type: &str) -> Option<&str> {
    let (kind, parameters) = content_type.split_once(';')?;
    if !kind.trim().eq_ignore_ascii_case("multipart/form-data") {
        return None;
    }
    let mut parameters = parameters.split(';').filter_map(|parameter| parameter.trim().split_once('='));
    let (_, boundary) = parameters.find(|(name, _)| name.eq_ignore_ascii_case("boundary"))?;
    Some(boundary.trim_matches('"')).filter(|boundary| !boundary.is_empty())
}

fn field(part: &str) -> Option<(String, String)> {
    let (head, value) = part.strip_prefix("\r\n")?.split_once("\r\n\r\n")?;
    let disposition =
        head.lines().find(|line| line.to_ascii_lowercase().starts_with("content-disposition:"))?;
    let name = disposition.split(';').find_map(|parameter| parameter.trim().strip_prefix("name="))?;
    Some((name.trim_matches('"').to_owned(), value.strip_suffix("\r\n")?.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::fields;

    #[test]
    fn the_fields_are_read_and_nothing_else_is() {
        let body = "--b-1\r\nContent-Disposition: form-data; name=\"grant_type\"\r\n\r\nrefresh_token\r\n\
                    --b-1\r\ncontent-disposition: form-data; name=code\r\nContent-Type: text/plain\r\n\r\na--b\r\n\
                    --b-1--\r\nafter";
        let pair = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        let wanted = vec![pair("grant_type", "refresh_token"), pair("code", "a--b")];
        for kind in
            ["multipart/form-data; boundary=b-1", "Multipart/Form-Data; charset=utf-8; boundary=\"b-1\""]
        {
            assert_eq!(fields(kind, body.as_bytes()), wanted);
        }
        for kind in ["multipart/form-data", "multipart/form-data; boundary=", "multipart/mixed; boundary=b-1"]
        {
            assert!(fields(kind, body.as_bytes()).is_empty(), "{kind}");
        }
        assert!(fields("multipart/form-data; boundary=b-1", b"--b-1\r\n\r\n").is_empty());
    }
}
