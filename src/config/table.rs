//! Typed access to a table of `config.toml`. Errors state the line.

use crate::error::{Code, Error};
use crate::i18n::tr;
use crate::nearest::{did_you_mean, nearest};
use std::path::Path;
use toml_edit::{Item, TableLike};

/// Keys that other tools use for secrets.
const SECRET_KEYS: [&str; 3] = ["client_secret", "refresh_token", "access_token"];

/// A table, and the file it is in.
#[derive(Clone, Copy)]
pub(super) struct ConfigTable<'a> {
    path: &'a Path,
    text: &'a str,
    table: &'a dyn TableLike,
    /// Byte offset of the table. `None` if it has no header of its own.
    at: Option<usize>,
}

impl<'a> ConfigTable<'a> {
    /// The table of the whole file.
    pub(super) fn root(path: &'a Path, text: &'a str, table: &'a toml_edit::Table) -> Self {
        ConfigTable { path, text, table, at: None }
    }

    /// Refuses keys other than `known`.
    pub(super) fn check_keys(&self, known: &[&str]) -> Result<(), Error> {
        let Some(unknown) = self.keys().find(|key| !known.contains(key)) else { return Ok(()) };
        let at = self.table.key(unknown).and_then(|key| key.span()).map(|span| span.start);
        if SECRET_KEYS.contains(&unknown) {
            let problem = tr!("'{word}' is not kept in this file", word = unknown);
            let hint = tr!("take the line out; 'zoho-cred login crm' asks for secrets and keeps them safely");
            return Err(self.complain(at, &problem, None).with_hint(hint));
        }
        let problem = tr!("unknown key '{word}'", word = unknown);
        Err(self.complain(at, &problem, nearest(unknown, known.iter().copied())))
    }

    pub(super) fn text(&self, key: &str) -> Result<Option<&'a str>, Error> {
        self.read(key, Item::as_str, |key| tr!("{key} must be a text in quotes", key))
    }

    pub(super) fn texts(&self, key: &str) -> Result<Option<Vec<String>>, Error> {
        let texts = |item: &Item| {
            let list = item.as_array()?.iter().map(|text| text.as_str().map(str::to_owned));
            list.collect()
        };
        self.read(key, texts, |key| tr!("{key} must be a list such as [\"a\", \"b\"]", key))
    }

    pub(super) fn number(&self, key: &str) -> Result<Option<u32>, Error> {
        let number = |item: &Item| u32::try_from(item.as_integer()?).ok();
        self.read(key, number, |key| tr!("{key} must be a whole number", key))
    }

    pub(super) fn table(&self, key: &str) -> Result<Option<Self>, Error> {
        let table = self.read(key, Item::as_table_like, |key| tr!("{key} must be a table", key))?;
        Ok(table.map(|table| ConfigTable { table, at: self.offset(key), ..*self }))
    }

    pub(super) fn keys(&self) -> impl Iterator<Item = &'a str> {
        self.table.iter().map(|(key, _)| key)
    }

    /// The value of `key` that belongs to its word.
    pub(super) fn choice<T: Clone, const N: usize>(
        &self,
        key: &str,
        choices: [(&str, T); N],
    ) -> Result<Option<T>, Error> {
        let Some(word) = self.text(key)? else { return Ok(None) };
        if let Some((_, value)) = choices.iter().find(|(name, _)| *name == word) {
            return Ok(Some(value.clone()));
        }
        let names = choices.map(|(name, _)| name);
        let problem =
            tr!("{key} cannot be '{word}', only {choices}", key, word, choices = names.join(&tr!(" or ")));
        Err(self.wrong(key, &problem, nearest(word, names)))
    }

    fn read<T>(
        &self,
        key: &str,
        convert: impl FnOnce(&'a Item) -> Option<T>,
        problem: impl FnOnce(&str) -> String,
    ) -> Result<Option<T>, Error> {
        let Some(item) = self.table.get(key) else { return Ok(None) };
        convert(item).map(Some).ok_or_else(|| self.wrong(key, &problem(key), None))
    }

    /// The error of the value of `key`.
    pub(super) fn wrong(&self, key: &str, problem: &str, nearest: Option<&str>) -> Error {
        self.complain(self.offset(key), problem, nearest)
    }

    /// The error of the table as a whole.
    pub(super) fn invalid(&self, problem: &str) -> Error {
        self.complain(self.at, problem, None)
    }

    fn offset(&self, key: &str) -> Option<usize> {
        self.table.get(key)?.span().map(|span| span.start)
    }

    fn complain(&self, at: Option<usize>, problem: &str, nearest: Option<&str>) -> Error {
        wrong(self.path, at.map(|at| line_of(self.text, at)), problem, nearest)
    }
}

/// The error of an invalid config. `nearest` is the most likely correction.
pub(super) fn wrong(path: &Path, line: Option<usize>, problem: &str, nearest: Option<&str>) -> Error {
    let path = path.display();
    let (message, correct) = match line {
        Some(line) => (
            tr!("{path}, line {line}: {problem}", path, line, problem),
            tr!("correct that line; 'zoho-cred man' lists every key"),
        ),
        None => (format!("{path}: {problem}"), tr!("correct that file; 'zoho-cred man' lists every key")),
    };
    Error::new(Code::Config, message, nearest.map_or(correct, did_you_mean))
}

pub(super) fn line_of(text: &str, offset: usize) -> usize {
    1 + text.bytes().take(offset).filter(|b| *b == b'\n').count()
}
