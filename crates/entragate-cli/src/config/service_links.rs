//! Variables that Kubernetes injects for every Service of the namespace (Docker's old links did the same): a
//! Service called `entragate` makes `ENTRAGATE_PORT=tcp://10.0.0.7:80` appear, which nobody misspelt.

/// Whether a variable comes from a Service rather than from an operator.
pub(super) fn is_service_link(name: &str, value: &str) -> bool {
    let parts: Vec<&str> = name.split('_').collect();
    // The first part is the prefix that brought us here, and may be the whole name of the Service.
    (1..parts.len()).any(|at| match &parts[at..] {
        ["SERVICE", "HOST"] | ["SERVICE", "PORT", ..] => true,
        ["PORT"] => is_address(value),
        ["PORT", number, protocol, rest @ ..] => {
            number.parse::<u16>().is_ok()
                && matches!(*protocol, "TCP" | "UDP" | "SCTP")
                && matches!(rest, [] | ["PROTO" | "PORT" | "ADDR"])
        }
        _ => false,
    })
}

fn is_address(value: &str) -> bool {
    ["tcp://", "udp://", "sctp://"].iter().any(|scheme| value.starts_with(scheme))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_kubernetes_injects_is_recognised_and_nothing_else() {
        for (name, value, expected) in [
            ("ENTRAGATE_SERVICE_HOST", "10.0.0.7", true),
            ("ENTRAGATE_SERVICE_PORT", "80", true),
            ("ENTRAGATE_SERVICE_PORT_HTTP", "80", true),
            ("ENTRAGATE_PORT", "tcp://10.0.0.7:80", true),
            ("ENTRAGATE_PORT_80_TCP", "tcp://10.0.0.7:80", true),
            ("ENTRAGATE_PORT_80_TCP_ADDR", "10.0.0.7", true),
            ("ENTRAGATE_ADMIN_SERVICE_HOST", "10.0.0.8", true),
            ("ENTRAGATE_UPSTREAM_PORT", "tcp://10.0.0.9:3000", true),
            ("ENTRAGATE_PORT", "3002", false),
            ("ENTRAGATE_PORT_80", "x", false),
            ("ENTRAGATE_PORT_80_TCP_NAME", "x", false),
            ("ENTRAGATE_LISTN", "tcp://10.0.0.7:80", false),
            ("ENTRAGATE_SERVICE", "x", false),
        ] {
            assert_eq!(is_service_link(name, value), expected, "{name}={value}");
        }
    }
}
