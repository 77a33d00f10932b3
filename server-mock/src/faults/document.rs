//! Answers whose JSON documents say something else, or the same in an unusual way.

use axum::response::Response;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use super::{
    Endpoint, Kind,
    layer::{Scene, read, with_body},
};

/// A title for the terminal's window, then red, then a line written over this one.
const ESCAPES: &str = "\u{1b}]0;owned\u{7}\u{1b}[31m\r\u{9b}2K";
/// The members that people read.
const FOR_PEOPLE: [&str; 5] = ["detail", "title", "description", "website", "explanationURL"];

/// What becomes of an order's list of authorizations.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Listing {
    /// The last one is missing.
    Fewer,
    /// The first one is there twice.
    Doubled,
    /// One more, which does not exist.
    Stray,
    /// One more, which does not exist and is another one each time.
    Changing,
}

/// Changes the document of an answer, if that is the fault and there is one.
pub(super) async fn change(kind: &Kind, scene: &Scene<'_>, response: Response) -> Response {
    let changes = matches!(
        kind,
        Kind::ExtraMembers
            | Kind::Shuffle
            | Kind::Merge(_)
            | Kind::PlainHttp
            | Kind::EscapeSequences
            | Kind::Authorizations(_)
    );
    if !changes {
        return response;
    }
    let (parts, body) = read(response).await;
    let Ok(mut document) = serde_json::from_slice::<Value>(&body) else { return with_body(parts, body) };
    let faults = scene.server.faults();
    let text = match kind {
        Kind::Shuffle => return with_body(parts, shuffled(&document, &mut || faults.draw())),
        Kind::ExtraMembers => {
            add_members(&mut document);
            document
        }
        Kind::Merge(patch) if parts.status.is_success() => {
            merge(&mut document, patch);
            document
        }
        Kind::PlainHttp => {
            each_text(&mut document, &mut |_, text| *text = text.replace("https://", "http://"));
            document
        }
        Kind::EscapeSequences => {
            each_text(&mut document, &mut |name, text| {
                if FOR_PEOPLE.contains(&name) {
                    text.insert_str(0, ESCAPES);
                }
            });
            document
        }
        Kind::Authorizations(listing) if is_order(scene.endpoint) => {
            list(&mut document, *listing, || faults.random().token(16));
            document
        }
        _ => document,
    };
    with_body(parts, text.to_string())
}

fn is_order(endpoint: Endpoint) -> bool {
    matches!(endpoint, Endpoint::NewOrder | Endpoint::Order | Endpoint::Finalize)
}

/// A merge patch (RFC 7396 §2).
fn merge(document: &mut Value, patch: &Map<String, Value>) {
    if !document.is_object() {
        *document = Value::Object(Map::new());
    }
    let Value::Object(members) = document else { return };
    for (name, value) in patch {
        match value {
            Value::Null => drop(members.remove(name)),
            Value::Object(inner) => merge(members.entry(name.as_str()).or_insert(Value::Null), inner),
            other => drop(members.insert(name.clone(), other.clone())),
        }
    }
}

fn add_members(value: &mut Value) {
    match value {
        Value::Object(members) => {
            members.values_mut().for_each(add_members);
            if let Some(Value::Array(challenges)) = members.get_mut("challenges") {
                let unknown =
                    json!({"type": "x-unknown-01", "status": "sleeping", "url": "https://ca.test/x", "x": 1});
                challenges.insert(0, unknown);
            }
            members.insert("x-unknown".to_owned(), json!({"list": [1, null, "…"], "nothing": null}));
        }
        Value::Array(elements) => elements.iter_mut().for_each(add_members),
        _ => {}
    }
}

/// Runs over all texts, with the names of the members that they are in.
fn each_text(value: &mut Value, change: &mut dyn FnMut(&str, &mut String)) {
    fn walk(name: &str, value: &mut Value, change: &mut dyn FnMut(&str, &mut String)) {
        match value {
            Value::String(text) => change(name, text),
            Value::Array(elements) => elements.iter_mut().for_each(|element| walk(name, element, change)),
            Value::Object(members) => members.iter_mut().for_each(|(name, value)| walk(name, value, change)),
            _ => {}
        }
    }
    walk("", value, change);
}

fn list(document: &mut Value, listing: Listing, token: impl FnOnce() -> String) {
    let Some(Value::Array(urls)) = document.get_mut("authorizations") else { return };
    let first = urls.first().cloned();
    let stray = |name: &str| {
        let (folder, _) = first.as_ref()?.as_str()?.rsplit_once('/')?;
        Some(Value::from(format!("{folder}/{name}")))
    };
    match listing {
        Listing::Fewer => drop(urls.pop()),
        Listing::Doubled => urls.extend(first),
        Listing::Stray => urls.extend(stray("none")),
        Listing::Changing => urls.extend(stray(&token())),
    }
}

/// The document with arrays and members in an order by chance, white space between them.
fn shuffled(value: &Value, draw: &mut dyn FnMut() -> f64) -> String {
    match value {
        Value::Array(elements) => {
            let texts = elements.iter().map(|element| shuffled(element, draw)).collect();
            format!("[ {} ]", shuffle(texts, draw).join(" , "))
        }
        Value::Object(members) => {
            let texts =
                members.iter().map(|(name, value)| format!("{} :\n{}", json!(name), shuffled(value, draw)));
            let texts = texts.collect();
            format!("{{ {} }}", shuffle(texts, draw).join(" , "))
        }
        other => other.to_string(),
    }
}

/// Fisher and Yates' way.
fn shuffle(mut texts: Vec<String>, draw: &mut dyn FnMut() -> f64) -> Vec<String> {
    for last in (1..texts.len()).rev() {
        // `draw` is below 1, and so the product below `last + 1`.
        let chosen = (draw() * (last + 1) as f64) as usize;
        texts.swap(last, chosen);
    }
    texts
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn patches_merge_as_the_rfc_says() {
        let mut document = json!({"a": "b", "c": {"d": 1, "e": 2}, "g": [1]});
        let Value::Object(patch) = json!({"a": null, "c": {"d": null, "f": {"x": null}}, "g": "h"}) else {
            panic!()
        };
        merge(&mut document, &patch);
        assert_eq!(document, json!({"c": {"e": 2, "f": {}}, "g": "h"}));
    }

    #[test]
    fn authorizations_are_listed_otherwise() {
        let listed = |listing| {
            let mut order = json!({"authorizations": ["u/a/1", "u/a/2"]});
            list(&mut order, listing, || "x".to_owned());
            order["authorizations"].clone()
        };
        assert_eq!(listed(Listing::Fewer), json!(["u/a/1"]));
        assert_eq!(listed(Listing::Doubled), json!(["u/a/1", "u/a/2", "u/a/1"]));
        assert_eq!(listed(Listing::Stray), json!(["u/a/1", "u/a/2", "u/a/none"]));
        assert_eq!(listed(Listing::Changing), json!(["u/a/1", "u/a/2", "u/a/x"]));
    }

    #[test]
    fn every_object_gets_a_member() {
        let mut document = json!({"challenges": [{"type": "http-01"}]});
        add_members(&mut document);
        assert_eq!(document["challenges"][0]["type"], "x-unknown-01");
        assert!(document["x-unknown"].is_object() && document["challenges"][1]["x-unknown"].is_object());
    }

    proptest! {
        #[test]
        fn what_is_shuffled_says_the_same(numbers in proptest::collection::vec(0.0..1.0, 1..9), length in 0_usize..9) {
            let mut numbers = numbers.into_iter().cycle();
            let list: Vec<usize> = (0..length).collect();
            let document = json!({"a": list, "b": {"c": null, "d": "\"x\""}});
            let text = shuffled(&document, &mut || numbers.next().unwrap());
            let mut read: Value = serde_json::from_str(&text).unwrap();
            read["a"].as_array_mut().unwrap().sort_by_key(|number| number.as_u64());
            prop_assert_eq!(read, document);
        }
    }
}
