//! `Link` headers (RFC 8288 §3).

/// The targets of all links of this relation, as they stand there: absolute or relative to what was asked. Several
/// headers, and several links in one header, come to the same.
pub fn targets<'a>(headers: impl IntoIterator<Item = &'a str>, relation: &str) -> Vec<&'a str> {
    let links = headers.into_iter().flat_map(links);
    links.filter(|(_, parameters)| has_relation(parameters, relation)).map(|(target, _)| target).collect()
}

/// The links of one header: target and parameters. What does not look like a link ends the list.
fn links(header: &str) -> Vec<(&str, &str)> {
    let mut links = Vec::new();
    let mut rest = header;
    while let Some(link) = rest.trim_start_matches([' ', '\t', ',']).strip_prefix('<') {
        let Some((target, after)) = link.split_once('>') else { break };
        let end = position_outside_quotes(after, ',');
        links.push((target, &after[..end]));
        rest = &after[end..];
    }
    links
}

/// Where the next such character outside quotes is, or the end.
fn position_outside_quotes(text: &str, wanted: char) -> usize {
    let (mut quoted, mut escaped) = (false, false);
    for (index, c) in text.char_indices() {
        match c {
            _ if escaped => escaped = false,
            '\\' if quoted => escaped = true,
            '"' => quoted = !quoted,
            c if c == wanted && !quoted => return index,
            _ => {}
        }
    }
    text.len()
}

/// Whether the first `rel` parameter has this relation among its words; further ones don't count (RFC 8288 §3.3).
fn has_relation(parameters: &str, relation: &str) -> bool {
    let mut rest = parameters;
    while let Some(parameter) =
        rest.get(position_outside_quotes(rest, ';')..).and_then(|at| at.strip_prefix(';'))
    {
        let value = &parameter[..position_outside_quotes(parameter, ';')];
        if let Some((name, words)) = value.split_once('=')
            && name.trim().eq_ignore_ascii_case("rel")
        {
            let mut words = words.trim().trim_matches('"').split_whitespace();
            return words.any(|word| word.eq_ignore_ascii_case(relation));
        }
        rest = parameter;
    }
    false
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn c31_several_headers_and_several_links_in_one() {
        let apart = [r#"<https://ca.test/a>;rel="alternate""#, r#"<https://ca.test/b>; rel=alternate"#];
        assert_eq!(targets(apart, "alternate"), ["https://ca.test/a", "https://ca.test/b"]);
        let joined = [
            r#"<https://ca.test/dir>;rel="index", </a>;title="x, <y>; rel=\"z\"";REL="up Alternate",<b>;rel="alternate""#,
        ];
        assert_eq!(targets(joined, "alternate"), ["/a", "b"]);
        assert_eq!(targets(joined, "index"), ["https://ca.test/dir"]);
        assert!(targets(["", "x", "<", "<a", r#"<a>;rel="next"#, "<a>;rel"], "up").is_empty());
    }

    proptest! {
        #[test]
        fn hostile_headers_never_panic(header in "[<>,;\"\\\\=a-z relü]{0,60}") {
            let _ = targets([header.as_str()], "alternate");
        }

        #[test]
        fn what_is_written_is_found(urls in proptest::collection::vec("https://[a-z]{1,9}/[a-z0-9,;=]{0,9}", 0..5)) {
            let header = urls.iter().map(|url| format!("<{url}>;rel=\"next\"")).collect::<Vec<_>>().join(", ");
            prop_assert_eq!(targets([header.as_str()], "next"), urls);
        }
    }
}
