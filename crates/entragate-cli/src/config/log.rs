//! Section `[log]`.

use tracing_subscriber::EnvFilter;

use super::checked::{LogConfig, LogFormat};
use super::keys;
use super::reader::{Reader, Wrong, printable};

/// Reads the section.
pub(super) fn log(reader: &mut Reader) -> Option<LogConfig> {
    let default = LogConfig::default();
    let format = reader.parse(&keys::LOG_FORMAT, |text| match text {
        "text" => Ok(LogFormat::Text),
        "json" => Ok(LogFormat::Json),
        other => Err(Wrong::new(format!("is `{}`", printable(other)), "set it to text or json")),
    });
    let filter = reader.parse(&keys::LOG_FILTER, |text| match EnvFilter::try_new(text) {
        Ok(_) => Ok(text.to_owned()),
        Err(_) => Err(Wrong::new(
            format!("is `{}`, which is no filter", printable(text)),
            "write a level, such as info, or levels by module, such as info,entragate=debug",
        )),
    });
    Some(LogConfig {
        format: format.or_default(|| default.format)?,
        filter: filter.or_default(|| default.filter)?,
    })
}
