//! Port to the APIs: any method, and bodies of any size. [`crate::system::Http`] is for the accounts server.

use crate::error::Error;
use crate::secret::Secret;
use crate::system::{HttpFailure, files};
use std::fs::File;
use std::io::{self, Read, Seek};
use std::path::Path;

/// A request to an API.
pub struct ApiRequest<'a> {
    /// The method, in upper case.
    pub method: &'a str,
    /// The full URL.
    pub url: &'a url::Url,
    /// All headers but `Authorization`.
    pub headers: &'a [(String, String)],
    /// Value of the `Authorization` header.
    pub authorization: Secret,
    /// The body.
    pub body: &'a ApiBody,
}

/// The body of a request. It can be sent again.
pub enum ApiBody {
    /// None.
    Empty,
    /// Bytes in memory.
    Bytes(Vec<u8>),
    /// A regular file.
    File(File),
}

impl ApiBody {
    /// The contents of a file. Those of a pipe are copied to a temporary file.
    pub(crate) fn of_file(path: &Path) -> Result<Self, Error> {
        let file = File::open(path).map_err(|error| files::unreadable(path, &error))?;
        match file.metadata() {
            Ok(found) if found.is_file() => Ok(ApiBody::File(file)),
            _ => ApiBody::of_reader(file).map_err(|error| files::unreadable(path, &error)),
        }
    }

    /// Everything up to the end of `reader`, in a temporary file.
    pub(crate) fn of_reader(mut reader: impl Read) -> io::Result<Self> {
        let mut copy = tempfile::tempfile()?;
        io::copy(&mut reader, &mut copy)?;
        Ok(ApiBody::File(copy))
    }

    /// The file from its beginning.
    pub(super) fn rewound(file: &File) -> io::Result<File> {
        let mut file = file.try_clone()?;
        file.rewind()?;
        Ok(file)
    }
}

/// A response whose body has not been read.
pub struct ApiAnswer {
    /// The status code.
    pub status: u16,
    /// Status line, as `-i` prints it.
    pub status_line: String,
    /// All headers. Bytes that are not UTF-8 are replaced.
    pub headers: Vec<(String, String)>,
    /// The body. Errors are those of the connection.
    pub body: Box<dyn Read>,
}

impl ApiAnswer {
    /// The first header with this name.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let found = self.headers.iter().find(|(header, _)| header.eq_ignore_ascii_case(name));
        found.map(|(_, value)| value.as_str())
    }
}

/// The port.
pub trait ApiHttp {
    /// Sends `request` once, without redirects or retries. Only connecting has a time limit.
    fn open(&self, request: &ApiRequest<'_>) -> Result<ApiAnswer, HttpFailure>;
}
