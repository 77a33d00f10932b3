//! What a client wants to get (RFC 9110 §12.5.1).

use axum::http::{HeaderMap, header};

/// Whether the client prefers media type `one` to `other`, which it gets when it does not care.
pub(super) fn prefers(headers: &HeaderMap, one: &str, other: &str) -> bool {
    let values = headers.get_all(header::ACCEPT).iter().filter_map(|value| value.to_str().ok());
    let ranges: Vec<(&str, u16)> = values.flat_map(|value| value.split(',')).map(range).collect();
    quality(&ranges, one) > quality(&ranges, other)
}

/// A media range and its weight in thousandths; one that can't be read counts as nothing.
fn range(text: &str) -> (&str, u16) {
    let mut parts = text.split(';').map(str::trim);
    let range = parts.next().unwrap_or_default();
    let weight = parts.find_map(|part| part.strip_prefix("q=").or_else(|| part.strip_prefix("Q=")));
    let thousandths = |weight: &str| weight.parse::<f32>().map_or(0, |q| (q.clamp(0.0, 1.0) * 1000.0) as u16);
    (range, weight.map_or(1000, thousandths))
}

/// The weight of a media type, by the most exact range that has it.
fn quality(ranges: &[(&str, u16)], media_type: &str) -> u16 {
    let family = media_type.split('/').next().unwrap_or_default();
    let exact = |range: &str| range.eq_ignore_ascii_case(media_type);
    let of_family = |range: &str| {
        range.strip_suffix("/*").is_some_and(|range| range != "*" && range.eq_ignore_ascii_case(family))
    };
    let find = |matches: &dyn Fn(&str) -> bool| {
        ranges.iter().filter(|(range, _)| matches(range)).map(|(_, weight)| *weight).max()
    };
    find(&exact).or_else(|| find(&of_family)).or_else(|| find(&|range| range == "*/*")).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_heavier_or_the_usual() {
        for (accept, der) in [
            ("application/pkix-cert", true),
            ("Application/PKIX-Cert", true),
            ("application/pem-certificate-chain", false),
            ("*/*", false),
            ("application/*", false),
            ("text/html", false),
            ("", false),
            ("application/pkix-cert, */*;q=0.1", true),
            ("application/pkix-cert;q=0.5, application/pem-certificate-chain", false),
            ("application/pem-certificate-chain;q=0.2,application/pkix-cert; q=0.3", true),
            ("application/pkix-cert;q=0, */*", false),
            ("application/pkix-cert;q=x", false),
        ] {
            let mut headers = HeaderMap::new();
            headers.insert(header::ACCEPT, accept.parse().unwrap());
            let prefers = prefers(&headers, "application/pkix-cert", "application/pem-certificate-chain");
            assert_eq!(prefers, der, "{accept}");
        }
        assert!(!prefers(&HeaderMap::new(), "a/b", "c/d"));
    }
}
