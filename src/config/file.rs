//! Reads `config.toml`. Unknown keys are errors that state the line and the most likely correction.

use crate::config::raw::{
    OTHER_KEYS, PROFILE_KEYS, Raw, RawBudget, RawDuration, RawProfile, SECRET_KEYS, StoreSettings,
};
use crate::config::{ConfigOrigin, duration, trust};
use crate::error::{Code, Error};
use crate::i18n::{causes, tr};
use crate::model::{
    AccountsUrl, Budget, DEFAULT_REDIRECT_URI, ENVIRONMENT, Grant, Origin, Profile, ProfileName, Scheme,
    SecretBackend,
};
use crate::nearest::{did_you_mean, nearest};
use crate::system::files;
use crate::system::files::Accept;
use crate::zoho::DataCenter;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::time::Duration;
use toml::Spanned;

/// A parsed config file. Profiles are validated when they are used.
#[derive(Clone, Debug)]
pub struct ConfigFile {
    path: PathBuf,
    origin: ConfigOrigin,
    /// Whether it is the default config file, even if it was named.
    is_default: bool,
    // Shared, because `list` makes a session of each of many profiles.
    text: Rc<str>,
    raw: Rc<Raw>,
}

impl ConfigFile {
    /// A missing file: no profiles, no store.
    pub fn empty(path: PathBuf, origin: ConfigOrigin) -> Self {
        let is_default = !origin.is_named();
        ConfigFile { path, origin, is_default, text: Rc::default(), raw: Rc::default() }
    }

    /// Reads and parses the config at `path`. `None` if there is none. A file that others can write to is refused
    /// before it is parsed.
    pub fn load(path: &Path, origin: ConfigOrigin) -> Result<Option<Self>, Error> {
        let Some(text) = read(path, origin)? else { return Ok(None) };
        let file = ConfigFile::parse(&files::canonical(path), &text)?;
        Ok(Some(ConfigFile { origin, is_default: !origin.is_named(), ..file }))
    }

    /// The same file. A file that was named counts as the default one, too, if its path is `default`.
    pub(crate) fn known_default(self, default: Option<&Path>) -> Self {
        ConfigFile { is_default: self.is_default || default == Some(&*self.path), ..self }
    }

    /// Whether it is the default config file.
    pub(crate) fn is_default(&self) -> bool {
        self.is_default
    }

    /// The origin of its profiles.
    pub(crate) fn profile_origin(&self) -> Origin {
        if self.is_default { Origin::Default(self.path.clone()) } else { Origin::File(self.path.clone()) }
    }

    /// Reads the file again. Empty if it was deleted.
    pub(crate) fn reload(&self) -> Result<Self, Error> {
        let now = ConfigFile::load(&self.path, self.origin)?;
        let now = now.unwrap_or_else(|| ConfigFile::empty(self.path.clone(), self.origin));
        Ok(ConfigFile { is_default: self.is_default, ..now })
    }

    /// Reads the file's text again without parsing it. `None` if it was deleted.
    pub(crate) fn text_now(&self) -> Result<Option<String>, Error> {
        read(&self.path, self.origin)
    }

    /// Parses `text`. `Code::Config` states the line.
    pub fn parse(path: &Path, text: &str) -> Result<Self, Error> {
        let raw: Raw = toml::from_str(text).map_err(|error| {
            let span = error.span().unwrap_or(0..0);
            let word = text.get(span.clone()).unwrap_or_default().trim().trim_matches(['"', '\'']);
            let unknown = error.message().starts_with("unknown field");
            let line = error.span().map(|span| line_of(text, span.start));
            if let (true, Some(line)) = (unknown && SECRET_KEYS.contains(&word), line) {
                return Error::new(
                    Code::Config,
                    tr!(
                        "{path}, line {line}: '{word}' is not kept in this file",
                        path = path.display(),
                        line,
                        word
                    ),
                    tr!("take the line out; 'zoho-cred login crm' asks for secrets and keeps them safely"),
                );
            }
            wrong(
                path,
                line,
                &if unknown {
                    tr!("unknown key '{word}'", word)
                } else {
                    wrong_toml(error.message(), text, span.start)
                },
                unknown.then(|| nearest(word, PROFILE_KEYS.into_iter().chain(OTHER_KEYS))).flatten(),
            )
        })?;
        let file = ConfigFile {
            origin: ConfigOrigin::Default,
            is_default: false,
            path: path.to_owned(),
            text: text.into(),
            raw: Rc::new(raw),
        };
        if file.raw.profile.contains_key(ENVIRONMENT) {
            return Err(file.complain(0, &tr!("no profile in a file may be called 'env'"), None));
        }
        for name in file.raw.profile.keys() {
            ProfileName::new(name)
                .map_err(|_| file.complain(0, &tr!("'{name}' is not a profile name", name), None))?;
        }
        Ok(file)
    }

    /// The canonical path.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The file's text.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Profile names, sorted.
    pub fn names(&self) -> Vec<String> {
        self.raw.profile.keys().cloned().collect()
    }

    /// The value of `default_profile`.
    pub fn default_profile(&self) -> Option<&str> {
        self.raw.default_profile.as_deref()
    }

    /// The `[store]` table.
    pub fn store(&self) -> Option<&StoreSettings> {
        self.raw.store.as_ref()
    }

    /// The validated profile. `None` if the file has no such profile.
    pub fn profile(&self, name: &ProfileName) -> Option<Result<Profile, Error>> {
        let raw = self.raw.profile.get(name.as_str())?;
        Some(self.decide(name, raw))
    }

    fn decide(&self, name: &ProfileName, raw: &RawProfile) -> Result<Profile, Error> {
        let data_center = raw.data_center.as_ref().map(|code| self.data_center(code)).transpose()?;
        let accounts_url = match (&raw.accounts_url, data_center) {
            (Some(url), _) => AccountsUrl::new(url.get_ref())
                .map_err(|error| self.complain(url.span().start, error.message(), None))?,
            (None, Some(dc)) => AccountsUrl::of(dc),
            (None, None) => return Err(self.lacks(name, "data_center")),
        };
        let client_id = match raw.client_id.as_deref().map(str::trim) {
            Some(id) if !id.is_empty() => id.to_owned(),
            _ => return Err(self.lacks(name, "client_id")),
        };
        let profile = Profile {
            name: name.clone(),
            origin: self.profile_origin(),
            data_center: data_center.or_else(|| accounts_url.data_center()),
            accounts_url,
            client_id,
            grant: self.grant(name, raw)?,
            scopes: raw.scopes.iter().flatten().flat_map(|s| crate::model::split_scopes(s)).collect(),
            redirect_uri: raw.redirect_uri.clone().unwrap_or_else(|| DEFAULT_REDIRECT_URI.to_owned()),
            scheme: match &raw.scheme {
                None => Scheme::default(),
                Some(word) => {
                    self.choose(word, "scheme", [("zoho", Scheme::Zoho), ("bearer", Scheme::Bearer)])?
                }
            },
            org_id: raw.org_id.clone(),
            secrets: self.secrets(name, raw)?,
            hosts: raw.hosts.clone(),
            budget: raw.budget.as_ref().map(|budget| self.budget(budget)).transpose()?.unwrap_or_default(),
        };
        profile.check().map_err(|error| self.complain(self.table(name), error.message(), None))?;
        Ok(profile)
    }

    fn data_center(&self, code: &Spanned<String>) -> Result<&'static DataCenter, Error> {
        DataCenter::by_code(code.get_ref()).ok_or_else(|| {
            let (code, at) = (code.get_ref(), code.span().start);
            match DataCenter::nearest(code) {
                Some(near) => self.complain(at, &tr!("'{code}' is not a data center", code), Some(near)),
                None => {
                    let problem = tr!(
                        "'{code}' is not a data center: us, eu, in, au, jp, ca, sa, uk, cn, ae, sg or inhq",
                        code
                    );
                    self.complain(at, &problem, None)
                }
            }
        })
    }

    fn grant(&self, name: &ProfileName, raw: &RawProfile) -> Result<Grant, Error> {
        let client_credentials = match &raw.grant {
            None => false,
            Some(word) => {
                self.choose(word, "grant", [("refresh_token", false), ("client_credentials", true)])?
            }
        };
        match (client_credentials, &raw.soid) {
            (true, soid) if raw.scopes.as_ref().is_none_or(Vec::is_empty) => {
                let _ = soid;
                Err(self.lacks(name, "scopes"))
            }
            (true, soid) => Ok(Grant::ClientCredentials { soid: soid.clone() }),
            (false, None) => Ok(Grant::RefreshToken),
            (false, Some(_)) => {
                Err(self.complain(0, &tr!("soid goes with grant = \"client_credentials\""), None))
            }
        }
    }

    fn secrets(&self, name: &ProfileName, raw: &RawProfile) -> Result<SecretBackend, Error> {
        let choices = [("keyring", 0), ("file", 1), ("command", 2)];
        match raw.secrets.as_ref().map(|word| self.choose(word, "secrets", choices)).transpose()? {
            None if raw.secret_command.is_some() => self.command(name, raw),
            None | Some(0) => Ok(SecretBackend::Keyring),
            Some(1) => Ok(SecretBackend::File),
            Some(_) => self.command(name, raw),
        }
    }

    fn command(&self, name: &ProfileName, raw: &RawProfile) -> Result<SecretBackend, Error> {
        match &raw.secret_command {
            Some(command) if !command.is_empty() => Ok(SecretBackend::Command(command.clone())),
            _ => Err(self.lacks(name, "secret_command")),
        }
    }

    fn budget(&self, raw: &Spanned<RawBudget>) -> Result<Budget, Error> {
        let default = Budget::default();
        let complain = |problem: &str| self.complain(raw.span().start, problem, None);
        let window = match &raw.get_ref().window {
            None => default.window,
            Some(RawDuration::Seconds(seconds)) => Duration::from_secs((*seconds).into()),
            Some(RawDuration::Text(text)) => duration::parse(text).map_err(|problem| complain(&problem))?,
        };
        let tokens = raw.get_ref().tokens.unwrap_or(default.tokens);
        if tokens == 0 || window.is_zero() {
            return Err(complain(&tr!("a budget needs at least one token and a window")));
        }
        Ok(Budget { tokens, window })
    }

    fn choose<T: Copy, const N: usize>(
        &self,
        word: &Spanned<String>,
        key: &str,
        choices: [(&str, T); N],
    ) -> Result<T, Error> {
        choices.iter().find(|(name, _)| name == word.get_ref()).map(|(_, value)| *value).ok_or_else(|| {
            let names = choices.map(|(name, _)| name);
            let problem = tr!(
                "{key} cannot be '{word}', only {choices}",
                key,
                word = word.get_ref(),
                choices = names.join(&tr!(" or "))
            );
            self.complain(word.span().start, &problem, nearest(word.get_ref(), names))
        })
    }

    fn lacks(&self, name: &ProfileName, key: &str) -> Error {
        self.complain(self.table(name), &tr!("profile '{name}' lacks {key}", name, key), None)
    }

    /// Byte offset of the profile's table. 0 if it is written in another form.
    fn table(&self, name: &ProfileName) -> usize {
        self.text.find(&format!("[profile.{name}]")).unwrap_or(0)
    }

    fn complain(&self, offset: usize, problem: &str, nearest: Option<&str>) -> Error {
        wrong(&self.path, (offset > 0).then(|| line_of(&self.text, offset)), problem, nearest)
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

fn read(path: &Path, origin: ConfigOrigin) -> Result<Option<String>, Error> {
    let accept = match origin {
        ConfigOrigin::Flag => Accept::FileOrPipe,
        ConfigOrigin::Default | ConfigOrigin::Variable => Accept::File,
    };
    let (text, found) = match files::read_utf8(path, accept, files::LARGE) {
        Ok(read) => read,
        Err(error) => {
            return match error.kind() {
                ErrorKind::NotFound => Ok(None),
                ErrorKind::InvalidInput
                | ErrorKind::InvalidData
                | ErrorKind::FileTooLarge
                | ErrorKind::TimedOut => Err(wrong(path, None, &causes::cause(&error), None)),
                _ => Err(files::unreadable(path, &error)),
            };
        }
    };
    trust::check(path, &found, origin)?;
    Ok(Some(text))
}

fn line_of(text: &str, offset: usize) -> usize {
    1 + text.bytes().take(offset).filter(|b| *b == b'\n').count()
}

/// The parser's message for the error at `offset`, or ours for common mistakes.
fn wrong_toml(message: &str, text: &str, offset: usize) -> String {
    let line = text.get(..offset).unwrap_or_default().lines().count().max(1) - 1;
    let key = text.lines().nth(line).and_then(|line| line.split_once('=')).map(|(key, _)| key.trim());
    let wanted = message.strip_prefix("invalid type: ").and_then(|rest| rest.split_once(", expected "));
    match (wanted.map(|(_, wanted)| wanted), key) {
        (Some("a string"), Some(key)) => tr!("{key} must be a text in quotes", key),
        (Some("a sequence"), Some(key)) => tr!("{key} must be a list such as [\"a\", \"b\"]", key),
        (Some("u32"), Some(key)) => tr!("{key} must be a whole number", key),
        (Some(wanted), Some(key)) if wanted == "a map" || wanted.starts_with("struct ") => {
            tr!("{key} must be a table", key)
        }
        _ if message.starts_with("duplicate key") => tr!("this key is there twice"),
        _ if message.starts_with("string values must be quoted") => tr!("a text must stand in quotes"),
        _ => tr!(
            "this is not TOML: {message}",
            message = message.split_whitespace().collect::<Vec<_>>().join(" ")
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<ConfigFile, Error> {
        ConfigFile::parse(Path::new("c.toml"), text)
    }

    fn crm(text: &str) -> Result<Profile, Error> {
        parse(text)?.profile(&ProfileName::new("crm").unwrap()).unwrap()
    }

    #[test]
    fn an_unknown_key_is_named_with_its_line_and_the_nearest() {
        let error = parse("\n[profile.crm]\ndata_centre = \"jp\"\n").unwrap_err();
        assert_eq!(error.message(), "c.toml, line 3: unknown key 'data_centre'");
        assert_eq!(error.hint().unwrap(), "did you mean 'data_center'?");
    }

    #[test]
    fn every_setting_is_read() {
        let profile = crm(r#"
            [profile.crm]
            data_center = "jp"
            client_id = "1000.X"
            scopes = ["ZohoCRM.modules.ALL", "ZohoCRM.settings.ALL"]
            scheme = "bearer"
            secrets = "command"
            secret_command = ["pass", "zoho"]
            hosts = ["www.zohoapis.jp"]
            budget = { tokens = 5, window = "5m" }
            "#)
        .unwrap();
        assert_eq!(profile.accounts_url.as_str(), "https://accounts.zoho.jp");
        assert_eq!(profile.scopes.len(), 2);
        assert_eq!(profile.scheme, Scheme::Bearer);
        assert_eq!(profile.budget, Budget { tokens: 5, window: Duration::from_secs(300) });
        assert_eq!(profile.secrets, SecretBackend::Command(vec!["pass".into(), "zoho".into()]));
    }

    #[test]
    fn wrong_values_are_named_with_their_line() {
        for (text, line, words) in [
            ("[profile.crm]\nclient_id='x'\ndata_center='jq'", 3, "not a data center"),
            ("[profile.crm]\nclient_id='x'\naccounts_url='http://zoho.eu'", 3, "must be https"),
            ("[profile.crm]\nclient_id='x'\ndata_center='jp'\nscheme='basic'", 4, "zoho or bearer"),
            ("[profile.crm]\nclient_id='x'\ndata_center='jp'\nbudget={tokens=0}", 4, "at least one"),
            ("[profile.crm]\nclient_id='x'\ndata_center='jp'\nbudget={window='5x'}", 4, "not a duration"),
            ("[profile.crm]\nclient_id=3", 2, "client_id must be a text"),
            ("[profile.crm]\nscopes='a'", 2, "scopes must be a list"),
            ("[profile.crm]\nbudget={tokens='3'}", 2, "must be a whole number"),
            (
                "\n[profile.crm]\nclient_id=\"x\\nUser=root\"\ndata_center='jp'",
                2,
                "client_id has a character",
            ),
            (
                "\n[profile.crm]\nclient_id='x'\ndata_center='jp'\nscopes=['a\"b']",
                2,
                "scopes has a character",
            ),
            ("\n[profile.crm]\nclient_id='x'\ndata_center='jp'\nredirect_uri='x\\y'", 2, "redirect_uri has"),
            ("\n[profile.crm]\nclient_id='x'\ndata_center='jp'\nhosts=['a b']", 2, "hosts has a character"),
            ("[profile.crm]\nclient_id='x'\naccounts_url='https://x/$(id)'", 3, "has a character"),
            ("profile=3", 1, "profile must be a table"),
            ("[profile.crm]\nclient_id=x", 2, "in quotes"),
            ("[profile.crm]\nclient_id='x'\nclient_id='y'", 3, "twice"),
            ("[profile.crm", 1, "not TOML: unclosed table"),
        ] {
            let error = crm(text).unwrap_err();
            assert_eq!(error.code(), Code::Config, "{text}");
            let message = error.message();
            let problem = message.strip_prefix(&format!("c.toml, line {line}: "));
            assert!(problem.is_some_and(|problem| problem.contains(words)), "{text}: {message}");
        }
    }

    #[test]
    fn what_is_missing_is_named() {
        assert!(crm("[profile.crm]\ndata_center='jp'").unwrap_err().message().contains("lacks client_id"));
        assert!(crm("[profile.crm]\nclient_id='x'").unwrap_err().message().contains("lacks data_center"));
        assert!(parse("[profile.env]\n").is_err());
        assert!(parse("[profile.\"a/b\"]\n").is_err());
    }
}
