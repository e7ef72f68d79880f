//! The pages of `docs/incompatibilities/`, which codes point at.

/// One page.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Page {
    /// Its number: a row of the README's table.
    pub row: u8,
    /// Its file in `docs/incompatibilities/`.
    pub file: &'static str,
}

/// Every page, by number.
pub static PAGES: [Page; 14] = [
    Page { row: 1, file: "01-no-rfc-8414-metadata.md" },
    Page { row: 2, file: "02-no-dynamic-client-registration.md" },
    Page { row: 3, file: "03-resource-parameter-aadsts9010010.md" },
    Page { row: 4, file: "04-token-for-itself-aadsts90009.md" },
    Page { row: 5, file: "05-permission-not-exposed.md" },
    Page { row: 6, file: "06-redirect-uri-aadsts50011.md" },
    Page { row: 7, file: "07-pkce-not-advertised.md" },
    Page { row: 8, file: "08-issuer-v1-or-v2.md" },
    Page { row: 9, file: "09-audience-spellings.md" },
    Page { row: 10, file: "10-guard-without-framework-glue.md" },
    Page { row: 11, file: "11-prompt-consent-aadsts90095.md" },
    Page { row: 12, file: "12-web-pages-and-platforms-aadsts9002326.md" },
    Page { row: 13, file: "13-credentials-by-platform-aadsts7000218.md" },
    Page { row: 14, file: "14-no-refresh-token-without-offline-access.md" },
];

/// The page with this number.
pub fn page(row: u8) -> Option<&'static Page> {
    PAGES.iter().find(|page| page.row == row)
}
