//! `entragate.setup.json`: ids of what setup made, so that teardown removes that and nothing else. Nothing in it is
//! secret. Registrations also carry a tag; consents, assignments and credentials cannot.

use std::fs;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::existing::Adopted;
use super::wanted::Part;

/// Its name.
pub const FILE: &str = "entragate.setup.json";

/// What setup made in one tenant.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct Receipt {
    /// The tenant.
    pub tenant: String,
    /// Application id of the API app, made or adopted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub api: Option<String>,
    /// Application id of the client app, made or adopted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub client: Option<String>,
    /// Ids of consents.
    pub grants: Vec<String>,
    /// Ids of assignments.
    pub assignments: Vec<String>,
    /// Ids of client secrets.
    pub secrets: Vec<String>,
    /// Ids of federated credentials.
    pub federated: Vec<String>,
}

/// Why the file cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ReceiptError {
    /// It cannot be read or written.
    #[error("{0}: {1}")]
    Io(String, std::io::Error),
    /// Somebody else's file, or a broken one.
    #[error("{0} is not a record of `entragate setup`")]
    Unreadable(String),
    /// It speaks of another tenant.
    #[error("{file} is about tenant {found}, not {wanted}")]
    OtherTenant {
        /// The file.
        file: String,
        /// Its tenant.
        found: String,
        /// The one that is meant.
        wanted: String,
    },
}

impl Receipt {
    /// Reads the file of a directory; nothing if there is none.
    pub fn read(directory: &Path, tenant: &str) -> Result<Self, ReceiptError> {
        let (path, name) = at(directory);
        let text = match fs::read_to_string(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                return Ok(Self { tenant: tenant.to_owned(), ..Self::default() });
            }
            Err(error) => return Err(ReceiptError::Io(name, error)),
        };
        let receipt: Self =
            serde_json::from_str(&text).map_err(|_| ReceiptError::Unreadable(name.clone()))?;
        if receipt.tenant != tenant {
            return Err(ReceiptError::OtherTenant {
                file: name,
                found: receipt.tenant,
                wanted: tenant.to_owned(),
            });
        }
        Ok(receipt)
    }

    /// Writes the file, also to see whether the directory can be written to before anything is made.
    pub fn write(&self, directory: &Path) -> Result<(), ReceiptError> {
        let (path, name) = at(directory);
        let text = serde_json::to_string_pretty(self).unwrap_or_default() + "\n";
        fs::write(path, text).map_err(|error| ReceiptError::Io(name, error))
    }

    /// Takes the file away, when nothing is left of what it is about.
    pub fn remove(directory: &Path) -> Result<(), ReceiptError> {
        let (path, name) = at(directory);
        match fs::remove_file(path) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(ReceiptError::Io(name, error)),
            _ => Ok(()),
        }
    }

    /// Notes the application id of a part.
    pub fn set(&mut self, part: Part, app_id: &str) {
        let id = Some(app_id.to_owned());
        match part {
            Part::Api => self.api = id,
            Part::Client => self.client = id,
        }
    }

    /// The registrations to look for: the ones that are named now, else the ones of an earlier run.
    pub fn adopted(&self, named: &Adopted) -> Adopted {
        Adopted {
            api: named.api.clone().or_else(|| self.api.clone()),
            client: named.client.clone().or_else(|| self.client.clone()),
        }
    }
}

impl ReceiptError {
    /// What to do about it.
    pub fn hint(&self) -> &'static str {
        match self {
            Self::Io(..) => "name a directory that can be written to with --dir",
            Self::Unreadable(_) => {
                "move the file away; teardown will then know the registrations by their tag only"
            }
            Self::OtherTenant { .. } => "use one directory for each tenant: --dir",
        }
    }
}

fn at(directory: &Path) -> (PathBuf, String) {
    let path = directory.join(FILE);
    let name = path.display().to_string();
    (path, name)
}
