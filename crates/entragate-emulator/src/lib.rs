//! A local Microsoft Entra ID.
