//! `-f` and `-F` as JSON, with the keys of `gh api`: `a[b]` is a key of an object, `a[]` an element of a list.

use crate::error::Error;
use crate::i18n::tr;
use serde_json::{Map, Value};

/// The object of all fields. `Code::Usage` if two of them contradict each other.
pub(super) fn json(fields: &[(String, Value)]) -> Result<Value, Error> {
    let mut object = Value::Object(Map::new());
    for (key, value) in fields {
        let inserted = parts(key).and_then(|parts| insert(&mut object, &parts, value));
        inserted.ok_or_else(|| {
            Error::usage(
                tr!("the field '{key}' is malformed, or contradicts another field", key),
                "zoho-cred api",
            )
        })?;
    }
    Ok(object)
}

/// `a[b][]` as `a`, `b` and an empty part.
fn parts(key: &str) -> Option<Vec<&str>> {
    let Some((first, rest)) = key.split_once('[') else {
        return (!key.contains(']')).then(|| vec![key]);
    };
    let inner = rest.strip_suffix(']')?.split("][");
    let parts: Vec<_> = std::iter::once(first).chain(inner).collect();
    parts.iter().all(|part| !part.contains(['[', ']'])).then_some(parts)
}

fn insert(node: &mut Value, parts: &[&str], value: &Value) -> Option<()> {
    match parts {
        [] if node.is_null() => *node = value.clone(),
        [""] if node.is_null() && value.is_array() => *node = value.clone(),
        [] => return None,
        ["", rest @ ..] => {
            if node.is_null() {
                *node = Value::Array(Vec::new());
            }
            let items = node.as_array_mut()?;
            // Another key of the last element, or a new element.
            let continues = |last: &Value| match rest {
                [key] => last.is_object() && last.get(key).is_none(),
                [] => false,
                _ => last.is_object(),
            };
            if !items.last().is_some_and(continues) {
                items.push(Value::Null);
            }
            insert(items.last_mut()?, rest, value)?;
        }
        [key, rest @ ..] => {
            if node.is_null() {
                *node = Value::Object(Map::new());
            }
            insert(node.as_object_mut()?.entry(*key).or_insert(Value::Null), rest, value)?;
        }
    }
    Some(())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    #[test]
    fn keys_are_read_as_gh_reads_them() {
        let read = |fields: &[&str]| {
            let fields = fields.iter().map(|field| field.split_once('=').unwrap());
            super::json(&fields.map(|(key, value)| (key.to_owned(), value.into())).collect::<Vec<_>>()).ok()
        };
        assert_eq!(read(&["a=1", "b=x=y"]), Some(json!({"a": "1", "b": "x=y"})));
        assert_eq!(read(&["a[b]=1", "a[c][d]=2"]), Some(json!({"a": {"b": "1", "c": {"d": "2"}}})));
        assert_eq!(read(&["a[]=1", "a[]=2"]), Some(json!({"a": ["1", "2"]})));
        let people = ["data[][Last_Name]=A", "data[][First_Name]=B", "data[][Last_Name]=C"];
        let expected = json!({"data": [{"Last_Name": "A", "First_Name": "B"}, {"Last_Name": "C"}]});
        assert_eq!(read(&people), Some(expected));
        for bad in
            [&["a[=1"][..], &["a]=1"], &["a[b=1"], &["a=1", "a[b]=2"], &["a=1", "a=2"], &["a[]=1", "a[b]=2"]]
        {
            assert_eq!(read(bad), None, "{bad:?}");
        }
    }
}
