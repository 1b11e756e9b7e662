//! Reads `config.toml`. Unknown keys are errors that state the line and the most likely correction.

use crate::config::table::{ConfigTable, line_of, wrong};
use crate::config::{ConfigOrigin, profile, trust};
use crate::error::Error;
use crate::i18n::{causes, tr};
use crate::model::{ENVIRONMENT, Origin, Profile, ProfileName};
use crate::system::files;
use crate::system::files::Accept;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::rc::Rc;
use toml_edit::{Document, Table};

const KEYS: [&str; 3] = ["default_profile", "profile", "store"];
const STORE_KEYS: [&str; 5] = ["url", "prefix", "password_file", "client_cert", "client_key"];

/// The `[store]` table: cache, lock and budget shared between machines.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoreSettings {
    /// The URL, unless `ZOHO_CRED_STORE` names one.
    pub url: Option<String>,
    /// Prefix of all keys. The default is `zoho-cred`.
    pub prefix: Option<String>,
    /// A file with the password, instead of one in the URL.
    pub password_file: Option<PathBuf>,
    /// A client certificate in PEM format.
    pub client_cert: Option<PathBuf>,
    /// The key of the client certificate in PEM format.
    pub client_key: Option<PathBuf>,
}

/// A parsed config file. Profiles are validated when they are used.
#[derive(Clone, Debug)]
pub struct ConfigFile {
    path: PathBuf,
    origin: ConfigOrigin,
    /// Whether it is the default config file, even if it was named.
    is_default: bool,
    default_profile: Option<String>,
    store: Option<StoreSettings>,
    // Shared, because `list` makes a session of each of many profiles.
    text: Rc<str>,
    root: Rc<Table>,
}

impl ConfigFile {
    /// A missing file: no profiles, no store.
    pub fn empty(path: PathBuf, origin: ConfigOrigin) -> Self {
        let is_default = !origin.is_named();
        ConfigFile {
            path,
            origin,
            is_default,
            default_profile: None,
            store: None,
            text: Rc::default(),
            root: Rc::default(),
        }
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

    /// The path, if `--config` named it.
    pub(crate) fn flag(&self) -> Option<&Path> {
        (self.origin == ConfigOrigin::Flag).then_some(&*self.path)
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
        let parsed = Document::parse(text).map_err(|error| {
            let line = error.span().map(|span| line_of(text, span.start));
            let message = error.message().split_whitespace().collect::<Vec<_>>().join(" ");
            // The mistakes of people who write no TOML are worth words of our own.
            let problem = if message.starts_with("string values must be quoted") {
                tr!("a text must stand in quotes")
            } else if message.starts_with("duplicate key") {
                tr!("this key is there twice")
            } else {
                tr!("this is not TOML: {message}", message)
            };
            wrong(path, line, &problem, None)
        })?;
        let table = parsed.into_table();
        let root = ConfigTable::root(path, text, &table);
        root.check_keys(&KEYS)?;
        if let Some(profiles) = root.table("profile")? {
            for name in profiles.keys() {
                if name == ENVIRONMENT {
                    let problem = tr!("no profile in a file may be called 'env'");
                    return Err(profiles.wrong(name, &problem, None));
                }
                ProfileName::new(name)
                    .map_err(|_| profiles.wrong(name, &tr!("'{name}' is not a profile name", name), None))?;
                profiles.table(name)?.map_or(Ok(()), |profile| profile::check_keys(&profile))?;
            }
        }
        Ok(ConfigFile {
            path: path.to_owned(),
            origin: ConfigOrigin::Default,
            is_default: false,
            default_profile: root.text("default_profile")?.map(str::to_owned),
            store: root.table("store")?.map(|table| store(&table)).transpose()?,
            text: text.into(),
            root: Rc::new(table),
        })
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
        let mut names: Vec<_> =
            self.profiles().iter().flat_map(ConfigTable::keys).map(str::to_owned).collect();
        names.sort();
        names
    }

    fn profiles(&self) -> Option<ConfigTable<'_>> {
        ConfigTable::root(&self.path, &self.text, &self.root).table("profile").ok().flatten()
    }

    /// The value of `default_profile`.
    pub fn default_profile(&self) -> Option<&str> {
        self.default_profile.as_deref()
    }

    /// The `[store]` table.
    pub fn store(&self) -> Option<&StoreSettings> {
        self.store.as_ref()
    }

    /// The validated profile. `None` if the file has no such profile.
    pub fn profile(&self, name: &ProfileName) -> Option<Result<Profile, Error>> {
        let table = self.profiles()?.table(name.as_str()).ok().flatten()?;
        Some(profile::read(&table, name, self.profile_origin()))
    }
}

fn store(table: &ConfigTable<'_>) -> Result<StoreSettings, Error> {
    table.check_keys(&STORE_KEYS)?;
    let path = |key: &str| Ok::<_, Error>(table.text(key)?.map(PathBuf::from));
    Ok(StoreSettings {
        url: table.text("url")?.map(str::to_owned),
        prefix: table.text("prefix")?.map(str::to_owned),
        password_file: path("password_file")?,
        client_cert: path("client_cert")?,
        client_key: path("client_key")?,
    })
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Code;
    use crate::model::{Budget, Scheme, SecretBackend};
    use std::time::Duration;

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
        let sound = "[profile.crm]\nclient_id='x'\ndata_center='jp'\n";
        for (key, problem) in [
            ("accounts_url='http://zoho.eu'", "must be https"),
            ("accounts_url='https://x/$(id)'", "has a character"),
            ("scheme='basic'", "zoho or bearer"),
            ("budget={tokens=0}", "at least one"),
            ("budget={window=0}", "at least one"),
            ("budget={window='5x'}", "not a duration"),
            ("budget={tokens='3'}", "must be a whole number"),
            ("budget={tokens=-3}", "must be a whole number"),
            ("budget=3", "must be a table"),
            ("scopes='a'", "scopes must be a list"),
            ("scopes=[1]", "scopes must be a list"),
            ("org_id=3", "org_id must be a text"),
            ("soid='ZohoCRM.1'", "soid goes with"),
            ("client_secret='y'", "'client_secret' is not kept in this file"),
            ("redirect_uri=http", "a text must stand in quotes"),
            ("client_id='y'", "twice"),
        ] {
            wrong(&format!("{sound}{key}"), 4, problem);
        }
        // Settings that are checked together are those of the table's line.
        for key in ["redirect_uri='x\\y'", "hosts=['a b']", "scopes=['a\"b']", "org_id='x$(id)'"] {
            wrong(&format!("\n{sound}{key}"), 2, "has a character");
        }
        wrong("[profile.crm]\nclient_id='x'\ndata_center='jq'", 3, "not a data center");
        wrong("[profile.crm]\ndata_center='jp'\nclient_id=3", 3, "client_id must be a text");
        wrong("[profile.crm]\ndata_center='jp'", 1, "lacks client_id");
        wrong("[profile.crm]\nclient_id='x'", 1, "lacks data_center");
        wrong("\n[profile.env]\n", 2, "'env'");
        wrong("\n[profile.\"a/b\"]\n", 2, "not a profile name");
        wrong("profile=3", 1, "profile must be a table");
        wrong("[profile.crm", 1, "not TOML: unclosed table");
    }

    fn wrong(text: &str, line: usize, words: &str) {
        let error = crm(text).unwrap_err();
        assert_eq!(error.code(), Code::Config, "{text}");
        let message = error.message();
        let problem = message.strip_prefix(&format!("c.toml, line {line}: "));
        assert!(problem.is_some_and(|problem| problem.contains(words)), "{text}: {message}");
    }
}
