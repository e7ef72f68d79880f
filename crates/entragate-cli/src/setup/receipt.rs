//! `entragate.setup.json`: ids of what setup made, so that teardown removes that and nothing else. Nothing in it is
//! secret. Registrations also carry a tag, but so do those that setup made from another directory: whose they are, only
//! the record tells.

use std::fs::{self, File};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::arguments::Arguments;
use super::existing::Adopted;
use super::intent::Intent;
use super::slot::{Ids, Slot};
use super::wanted::{Mode, Part};
use crate::graph::objects::KeyCredential;

/// Its name.
pub const FILE: &str = "entragate.setup.json";

/// What setup made in one tenant.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct Receipt {
    /// The tenant.
    pub tenant: String,
    /// How people sign in with it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mode: Option<Mode>,
    /// Application id of the API app, made or adopted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub api: Option<String>,
    /// Application id of the client app, made or adopted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub client: Option<String>,
    /// Application ids of the registrations that were made from here, and not found or adopted.
    pub created: Vec<String>,
    /// Ids of consents.
    pub grants: Vec<String>,
    /// Ids of assignments.
    pub assignments: Vec<String>,
    /// Ids of client secrets.
    pub secrets: Vec<String>,
    /// Ids of federated credentials.
    pub federated: Vec<String>,
    /// Thumbprints of certificates, SHA-1 in hexadecimal: Entra may show another name than the one that setup sent.
    pub certificates: Vec<String>,
    /// Redirect URIs that were added, whatever the options of a later run are.
    pub redirect_uris: Vec<String>,
    /// What was asked for, without an answer so far.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub pending: Vec<Intent>,
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
    /// It speaks of another registration.
    #[error("{option}: {file} is about the registration {found}, not {wanted}")]
    OtherApp {
        /// The option that names the other.
        option: &'static str,
        /// The file.
        file: String,
        /// Its registration.
        found: String,
        /// The one that is meant.
        wanted: String,
    },
    /// It speaks of another mode.
    #[error("--mode: {file} is about {} mode, not {}", found.name(), wanted.name())]
    OtherMode {
        /// The file.
        file: String,
        /// Its mode.
        found: Mode,
        /// The one that is meant.
        wanted: Mode,
    },
}

impl Receipt {
    /// Nothing was made so far.
    pub fn empty(tenant: &str) -> Self {
        Self { tenant: tenant.to_owned(), ..Self::default() }
    }

    /// Reads the file of a directory; nothing if there is none.
    pub fn read(directory: &Path, tenant: &str) -> Result<Self, ReceiptError> {
        let (path, name) = at(directory);
        let text = match fs::read_to_string(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                return Ok(Self::empty(tenant));
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

    /// The options with what need not be repeated, if there is a file that can be read: the mode, and in broker mode that
    /// an app of its own signs people in.
    pub(super) fn completed(arguments: &Arguments) -> Arguments {
        let mut arguments = arguments.clone();
        let text = fs::read_to_string(at(&arguments.dir).0).ok();
        let Some(receipt) = text.and_then(|text| serde_json::from_str::<Self>(&text).ok()) else {
            return arguments;
        };
        if arguments.adopt.is_some() && arguments.adopt != receipt.api {
            return arguments;
        }
        arguments.mode = arguments.mode.or(receipt.known_mode());
        if arguments.mode() == Mode::Broker && receipt.known_mode() == Some(Mode::Broker) {
            arguments.adopt_client = arguments.adopt_client.or(receipt.client);
        }
        arguments
    }

    /// The mode, once anything is made in it. Earlier versions did not write it; only relay mode has a client app.
    fn known_mode(&self) -> Option<Mode> {
        let mode = self.mode.or(self.client.as_ref().map(|_| Mode::Relay));
        mode.filter(|_| self.names_apps())
    }

    /// Whether there is a registration in it.
    pub fn names_apps(&self) -> bool {
        self.api.is_some() || self.client.is_some()
    }

    /// Refuses another mode: what was made in this one would be forgotten.
    pub fn check_mode(&self, directory: &Path, wanted: Mode) -> Result<(), ReceiptError> {
        match self.known_mode() {
            Some(found) if found != wanted => {
                Err(ReceiptError::OtherMode { file: at(directory).1, found, wanted })
            }
            _ => Ok(()),
        }
    }

    /// Refuses other registrations, for the same reason.
    pub fn check_apps(&self, directory: &Path, named: &Adopted) -> Result<(), ReceiptError> {
        let remembered = self.remembered();
        for (part, option) in [(Part::Api, "--adopt"), (Part::Client, "--adopt-client")] {
            if let (Some(found), Some(wanted)) = (remembered.of(part), named.of(part))
                && !found.eq_ignore_ascii_case(wanted)
            {
                let (found, wanted) = (found.to_owned(), wanted.to_owned());
                return Err(ReceiptError::OtherApp { option, file: at(directory).1, found, wanted });
            }
        }
        Ok(())
    }

    /// Writes the file, also to see whether the directory can be written to before anything is made. Whoever is
    /// stopped in the middle leaves the earlier version.
    pub fn write(&self, directory: &Path) -> Result<(), ReceiptError> {
        let (path, name) = at(directory);
        let text = serde_json::to_string_pretty(self).unwrap_or_default() + "\n";
        replace(&path, &text).map_err(|error| ReceiptError::Io(name, error))
    }

    /// Takes the file away, when nothing is left of what it is about.
    pub fn remove(directory: &Path) -> Result<(), ReceiptError> {
        let (path, name) = at(directory);
        match fs::remove_file(path) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(ReceiptError::Io(name, error)),
            _ => Ok(()),
        }
    }

    /// Notes the registrations, as far as they are known.
    pub fn note_apps(&mut self, ids: &Ids) {
        let known = |part| ids.get(Slot::app_id(part)).map(str::to_owned);
        self.api = known(Part::Api).or(self.api.take());
        self.client = known(Part::Client).or(self.client.take());
    }

    /// Whether this registration was made from here.
    pub fn has_created(&self, app_id: &str) -> bool {
        self.created.iter().any(|known| known == app_id)
    }

    /// Notes that a registration was made from here.
    pub(super) fn note_created(&mut self, app_id: &str) {
        if !self.has_created(app_id) {
            self.created.push(app_id.to_owned());
        }
    }

    /// Whether setup added this certificate.
    pub fn has_certificate(&self, key: &KeyCredential) -> bool {
        let thumbprint = key.custom_key_identifier.as_deref().unwrap_or_default();
        self.certificates.iter().any(|known| known.eq_ignore_ascii_case(thumbprint))
    }

    /// The registrations of an earlier run.
    pub fn remembered(&self) -> Adopted {
        Adopted { api: self.api.clone(), client: self.client.clone() }
    }
}

impl ReceiptError {
    /// Whether the file is a good one, of other registrations than those that are meant.
    pub const fn is_about_others(&self) -> bool {
        matches!(self, Self::OtherTenant { .. } | Self::OtherApp { .. } | Self::OtherMode { .. })
    }

    /// What to do about it.
    pub fn hint(&self) -> &'static str {
        match self {
            Self::Io(..) => "name a directory that can be written to with --dir",
            Self::Unreadable(_) => "move the file away; without it, teardown removes no registration",
            Self::OtherTenant { .. } => "use one directory for each tenant: --dir",
            Self::OtherApp { .. } => {
                "take that one back first (--teardown), or use another directory for this one: --dir"
            }
            Self::OtherMode { .. } => {
                "leave --mode out; for another mode take this one back first (--teardown), or use another --dir"
            }
        }
    }
}

fn at(directory: &Path) -> (PathBuf, String) {
    let path = directory.join(FILE);
    let name = path.display().to_string();
    (path, name)
}

/// A new file under another name, moved over the old one once it is whole.
fn replace(path: &Path, text: &str) -> io::Result<()> {
    let new = path.with_file_name(format!("{FILE}.new"));
    let mut file = File::create(&new)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()?;
    fs::rename(new, path)
}
