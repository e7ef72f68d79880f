//! What to do, in sentences.

use super::Entry;

impl Entry {
    /// What to do, in sentences of its own: the hint, and the step to take where the hint names only the cause.
    pub fn advice(&self) -> String {
        let mut rest = self.hint.chars();
        let first = rest.next().map(char::to_uppercase).into_iter().flatten();
        let end = if self.hint.ends_with('.') { "" } else { "." };
        let mut text: String = first.chain(rest).chain(end.chars()).collect();
        if let Some(step) = step(self.code) {
            text.push(' ');
            text.push_str(step);
        }
        text
    }
}

/// Of these codes an OAuth error says the cause only: the client acts on its code, and the person never sees its text.
const fn step(code: u64) -> Option<&'static str> {
    Some(match code {
        70000 | 70008 | 700_081 | 700_082 | 50132 | 50133 | 50173 => "Sign in again in the application.",
        70043 => "Sign in again in the application; an administrator sets how often that is asked for.",
        500_133 => "Sign in again in the application, which then presents a new token.",
        50074 | 50076 | 50078 => "Sign in again in the application and finish the second factor.",
        50079 => "Sign in again in the application and set it up on the page that Entra shows.",
        65004 => "Sign in again and accept, or ask an administrator to grant consent for everybody.",
        70017 => "Start again on the device and accept.",
        70019 | 70020 => "Start again on the device and type in the new code.",
        50034 => {
            "Check the name that was typed, or sign in with another account; an administrator can create or invite this one."
        }
        50126 => "Type both in again; who has forgotten the password resets it at the sign-in page.",
        54005 => {
            "The client must redeem a code once and not repeat the request; the person signs in again meanwhile."
        }
        501_481 => {
            "Sign in again, in one window only. If it goes on: in broker mode all replicas must share their state, in relay mode the client must send the verifier of this very sign-in."
        }
        501_491 | 90023 | 1_002_012 => "The client must send one like that.",
        700_212 | 700_213 => "Correct it under Certificates and secrets, Federated credentials.",
        5_002_741 => "Have it issued for that one.",
        9_002_313 => {
            "The client must send it whole, and to whoever issued it: a token of the gateway means nothing to Entra. Then sign in again."
        }
        28003 => "The client must send a scope of the API with the token request.",
        70011 => "The client must send either .default alone or scopes by name, separated by blanks.",
        90014 | 900_144 => "The client must send what the message names.",
        50029 | 90100 | 90117 => "The client must correct what the message names.",
        90121 => "The client must send its parameters: in the query to /authorize, in a form to /token.",
        90102 => "The client must send one with scheme, host and path.",
        9_002_325 => {
            "Move it to platform Web (broker mode) or Mobile and desktop applications (relay mode); the client must send the verifier."
        }
        50013 => "The client must present a token that Entra issued for the API app.",
        500_131 => "The client must get a token for that app and present it.",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::super::all;

    /// Verbs with which a step begins.
    const STEPS: &str = "accept add allow answer ask bring change check choose compare confirm correct create enable enter expose \
        finish get give have go grant install keep look move name open present put redeem register remove repeat select send set sign \
        start stop switch try type upload use wait write close exclude turn restart make see let leave";

    /// Not one that repeats what the code means.
    #[test]
    fn every_advice_names_a_step() {
        for entry in all() {
            let advice = entry.advice();
            assert_ne!(advice, entry.meaning, "{}", entry.code);
            let clauses = advice.split(['.', ',', ':', ';', '(']).flat_map(|part| part.split(" or "));
            let begins = clauses
                .flat_map(|clause| clause.split(" and "))
                .filter_map(|clause| clause.split_whitespace().find(|word| !["so", "then"].contains(word)))
                .any(|word| STEPS.split_whitespace().any(|step| step.eq_ignore_ascii_case(word)));
            let duty = [" must ", " needs ", " should ", " takes ", "az ad "]
                .iter()
                .any(|word| advice.contains(word));
            assert!(begins || duty, "AADSTS{}: {advice}", entry.code);
        }
    }

    #[test]
    fn what_only_said_the_cause_now_says_what_to_do() {
        for (code, step) in
            [(50076, "Sign in again"), (700_082, "Sign in again"), (900_144, "must send"), (54005, "once")]
        {
            let entry = crate::aadsts::find(code).expect("a known code");
            assert!(!entry.hint.contains(step) && entry.advice().contains(step), "{}", entry.advice());
        }
    }
}
