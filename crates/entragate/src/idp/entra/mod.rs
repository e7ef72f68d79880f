//! Microsoft Entra ID: endpoints, scopes, claims and errors as it really has them.

pub mod registration;
