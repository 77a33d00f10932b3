//! The records of the built-in test DNS; they can be changed while it runs.

use std::{
    collections::HashMap,
    net::{Ipv4Addr, Ipv6Addr},
    str::FromStr,
    sync::{PoisonError, RwLock},
};

use hickory_proto::{
    op::ResponseCode,
    rr::{
        LowerName, Name, RData, Record, RecordType,
        rdata::{A, AAAA, CAA, CNAME, MX, TXT},
    },
};
use serde::{Deserialize, Serialize};

/// How many records the table takes, all names together.
const RECORDS_MAX: usize = 100_000;
/// How many aliases are followed, as resolvers commonly do.
const ALIASES_MAX: usize = 8;
/// Seconds. Nothing may be kept: a test changes a record and asks again at once.
const TTL: u32 = 0;
/// The most bytes of one character-string of a TXT record (RFC 1035 §3.3).
const CHARACTER_STRING_MAX: usize = 255;
/// The most bytes of a text that the table takes; far more than any validation method needs.
const CONTENT_MAX: usize = 4096;
/// The most bytes of a CAA tag that resolvers take.
const CAA_TAG_MAX: usize = 15;
/// The issuer critical flag (RFC 8659 §4.1).
const CAA_CRITICAL: u8 = 0x80;

/// One record's content; on the wire `{"type": "A", "value": "127.0.0.1"}`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", content = "value", rename_all = "UPPERCASE")]
pub enum RecordData {
    /// An IPv4 address.
    A(Ipv4Addr),
    /// An IPv6 address.
    Aaaa(Ipv6Addr),
    /// A text; when longer than 255 bytes it is sent as several character-strings.
    Txt(String),
    /// An alias: what the name is called really.
    Cname(String),
    /// Who may issue (RFC 8659).
    Caa {
        /// 128 says that the tag must be understood.
        flags: u8,
        /// `issue`, `issuewild`, …
        tag: String,
        /// What the tag says.
        value: String,
    },
    /// Where mail goes.
    Mx {
        /// The lowest is preferred.
        preference: u16,
        /// The mail server's name.
        exchange: String,
    },
}

/// A failure that is scripted for a name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum DnsFailure {
    /// The name does not exist.
    NxDomain,
    /// The server failed.
    ServFail,
    /// The server does not want to answer.
    Refused,
}

/// Why the table did not take a record.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DnsTableError {
    /// No domain name.
    #[error("{0:?} is no domain name")]
    Name(String),
    /// The content can't be written into a record.
    #[error("the content {0:?} is too long, or a bad tag")]
    Data(String),
    /// The table is full.
    #[error("the table holds {RECORDS_MAX} records already")]
    Full,
}

/// What the test DNS knows.
///
/// A name with neither address nor alias of its own has the default address, unless the default was taken away;
/// then names that the table does not hold do not exist.
pub struct DnsTable(RwLock<Table>);

struct Table {
    names: HashMap<LowerName, Entry>,
    records: usize,
    default_ipv4: Option<Ipv4Addr>,
}

#[derive(Default)]
struct Entry {
    /// Each record as it was told, and as it is sent.
    records: Vec<(RecordData, RData)>,
    failure: Option<DnsFailure>,
}

/// What the server sends back.
#[derive(Debug, PartialEq)]
pub(crate) struct Answer {
    pub(crate) code: ResponseCode,
    pub(crate) records: Vec<Record>,
}

impl Default for DnsTable {
    /// Every name has the address 127.0.0.1.
    fn default() -> Self {
        Self(RwLock::new(Table {
            names: HashMap::new(),
            records: 0,
            default_ipv4: Some(Ipv4Addr::LOCALHOST),
        }))
    }
}

impl DnsTable {
    /// Sets the address of names without one; with `None`, names that the table does not hold do not exist.
    pub fn set_default_ipv4(&self, address: Option<Ipv4Addr>) {
        self.write(|table| table.default_ipv4 = address);
    }

    /// Adds a record; a second equal one changes nothing.
    ///
    /// # Errors
    /// [`DnsTableError`] when the name or content can't be used, or the table is full.
    pub fn add(&self, name: &str, data: &RecordData) -> Result<(), DnsTableError> {
        let (key, encoded) = (key(name)?, data.encode()?);
        self.write(|table| {
            let known = |entry: &Entry| entry.records.iter().any(|(_, own)| *own == encoded);
            if table.names.get(&key).is_some_and(known) {
                return Ok(());
            }
            if table.records >= RECORDS_MAX {
                return Err(DnsTableError::Full);
            }
            let entry = table.names.entry(key).or_default();
            entry.records.push((data.clone(), encoded));
            table.records += 1;
            Ok(())
        })
    }

    /// Removes that one record; `false` when it was not there.
    ///
    /// # Errors
    /// [`DnsTableError`] when the name or content can't be used.
    pub fn remove(&self, name: &str, data: &RecordData) -> Result<bool, DnsTableError> {
        let (key, data) = (key(name)?, data.encode()?);
        Ok(self.write(|table| {
            let Some(entry) = table.names.get_mut(&key) else { return false };
            let before = entry.records.len();
            entry.records.retain(|(_, own)| *own != data);
            let removed = before - entry.records.len();
            if entry.records.is_empty() && entry.failure.is_none() {
                table.names.remove(&key);
            }
            table.records -= removed;
            removed > 0
        }))
    }

    /// Every record with its name, in the order of the names.
    #[must_use]
    pub fn records(&self) -> Vec<(String, RecordData)> {
        let table = self.0.read().unwrap_or_else(PoisonError::into_inner);
        let mut names: Vec<_> = table.names.iter().collect();
        names.sort_by_key(|(name, _)| *name);
        let with_name = |(name, entry): (&LowerName, &Entry)| -> Vec<_> {
            let name = name.to_string().trim_end_matches('.').to_owned();
            entry.records.iter().map(|(data, _)| (name.clone(), data.clone())).collect()
        };
        names.into_iter().flat_map(with_name).collect()
    }

    /// Lets every question about this name fail.
    ///
    /// # Errors
    /// [`DnsTableError`] when the name can't be used, or the table is full.
    pub fn fail(&self, name: &str, failure: DnsFailure) -> Result<(), DnsTableError> {
        let key = key(name)?;
        self.write(|table| {
            if table.names.len() >= RECORDS_MAX && !table.names.contains_key(&key) {
                return Err(DnsTableError::Full);
            }
            table.names.entry(key).or_default().failure = Some(failure);
            Ok(())
        })
    }

    /// Forgets all records and the failure of this name.
    ///
    /// # Errors
    /// [`DnsTableError::Name`] when this is no name.
    pub fn clear(&self, name: &str) -> Result<(), DnsTableError> {
        let key = key(name)?;
        self.write(|table| {
            let removed = table.names.remove(&key).map_or(0, |entry| entry.records.len());
            table.records -= removed;
        });
        Ok(())
    }

    /// The answer to one question, aliases followed.
    pub(crate) fn answer(&self, name: &LowerName, kind: RecordType) -> Answer {
        self.0.read().unwrap_or_else(PoisonError::into_inner).answer(name, kind)
    }

    fn write<T>(&self, change: impl FnOnce(&mut Table) -> T) -> T {
        change(&mut self.0.write().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Table {
    fn answer(&self, name: &LowerName, kind: RecordType) -> Answer {
        let mut name = name.clone();
        let mut records = Vec::new();
        for _ in 0..=ALIASES_MAX {
            let entry = self.names.get(&name);
            if let Some(failure) = entry.and_then(|entry| entry.failure) {
                return Answer { code: failure.code(), records };
            }
            let own = entry.map_or(&[][..], |entry| &entry.records).iter().map(|(_, data)| data);
            let record = |data: RData| Record::from_rdata(Name::from(&name), TTL, data);
            let alias = own.clone().find_map(|data| match data {
                RData::CNAME(target) if kind != RecordType::CNAME => Some(target),
                _ => None,
            });
            if let Some(target) = alias {
                records.push(record(RData::CNAME(target.clone())));
                name = LowerName::new(&target.0);
                continue;
            }
            records.extend(own.clone().filter(|data| data.record_type() == kind).cloned().map(record));
            let located = own.clone().any(|data| data.record_type().is_ip_addr());
            if kind == RecordType::A && !located {
                records.extend(self.default_ipv4.map(|address| record(RData::A(A(address)))));
            }
            let exists = entry.is_some() || self.default_ipv4.is_some();
            let code = if exists { ResponseCode::NoError } else { ResponseCode::NXDomain };
            return Answer { code, records };
        }
        // A circle of aliases.
        Answer { code: ResponseCode::ServFail, records: Vec::new() }
    }
}

impl DnsFailure {
    fn code(self) -> ResponseCode {
        match self {
            Self::NxDomain => ResponseCode::NXDomain,
            Self::ServFail => ResponseCode::ServFail,
            Self::Refused => ResponseCode::Refused,
        }
    }
}

impl RecordData {
    fn encode(&self) -> Result<RData, DnsTableError> {
        Ok(match self {
            Self::A(address) => RData::A(A(*address)),
            Self::Aaaa(address) => RData::AAAA(AAAA(*address)),
            Self::Txt(text) if text.is_empty() => RData::TXT(TXT::from_bytes(vec![b""])),
            Self::Txt(text) => {
                RData::TXT(TXT::from_bytes(bounded(text)?.chunks(CHARACTER_STRING_MAX).collect()))
            }
            Self::Cname(target) => RData::CNAME(CNAME(parse(target)?)),
            Self::Caa { flags, tag, value } => caa(*flags, tag, value)?,
            Self::Mx { preference, exchange } => RData::MX(MX::new(*preference, parse(exchange)?)),
        })
    }
}

/// A CAA record of any tag and value (RFC 8659 §4.1).
fn caa(flags: u8, tag: &str, value: &str) -> Result<RData, DnsTableError> {
    let alphanumeric = tag.bytes().all(|byte| byte.is_ascii_alphanumeric());
    if !alphanumeric || !(1..=CAA_TAG_MAX).contains(&tag.len()) {
        return Err(DnsTableError::Data(tag.to_owned()));
    }
    let mut caa = CAA::new_issue(flags & CAA_CRITICAL != 0, None, vec![]);
    caa.reserved_flags = flags & !CAA_CRITICAL;
    caa.tag = tag.to_owned();
    caa.value = bounded(value)?.to_vec();
    Ok(RData::CAA(caa))
}

fn bounded(content: &str) -> Result<&[u8], DnsTableError> {
    if content.len() > CONTENT_MAX {
        Err(DnsTableError::Data(content.chars().take(20).collect()))
    } else {
        Ok(content.as_bytes())
    }
}

fn parse(name: &str) -> Result<Name, DnsTableError> {
    let mut parsed = Name::from_str(name).map_err(|_| DnsTableError::Name(name.to_owned()))?;
    parsed.set_fqdn(true);
    Ok(parsed)
}

fn key(name: &str) -> Result<LowerName, DnsTableError> {
    parse(name).map(|name| LowerName::new(&name))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ask(table: &DnsTable, name: &str, kind: RecordType) -> (ResponseCode, Vec<RData>) {
        let answer = table.answer(&key(name).unwrap(), kind);
        (answer.code, answer.records.into_iter().map(|record| record.data).collect())
    }

    fn a(last: u8) -> RData {
        RData::A(A(Ipv4Addr::new(127, 0, 0, last)))
    }

    #[test]
    fn names_without_an_address_have_the_default() {
        let table = DnsTable::default();
        assert_eq!(ask(&table, "www.example.test", RecordType::A), (ResponseCode::NoError, vec![a(1)]));
        assert_eq!(ask(&table, "www.example.test", RecordType::AAAA), (ResponseCode::NoError, vec![]));

        table.add("www.example.test", &RecordData::Txt("x".into())).unwrap();
        assert_eq!(ask(&table, "www.example.test", RecordType::A).1, [a(1)]);
        table.add("WWW.example.test.", &RecordData::Aaaa(Ipv6Addr::LOCALHOST)).unwrap();
        assert_eq!(ask(&table, "www.example.test", RecordType::A), (ResponseCode::NoError, vec![]));

        table.set_default_ipv4(None);
        assert_eq!(ask(&table, "other.test", RecordType::A), (ResponseCode::NXDomain, vec![]));
        assert_eq!(ask(&table, "www.example.test", RecordType::MX), (ResponseCode::NoError, vec![]));
    }

    #[test]
    fn records_come_and_go() {
        let table = DnsTable::default();
        let (one, two) = (RecordData::A([127, 0, 0, 2].into()), RecordData::A([127, 0, 0, 3].into()));
        table.add("a.test", &one).unwrap();
        table.add("a.test", &two).unwrap();
        table.add("a.test", &two).unwrap();
        assert_eq!(ask(&table, "a.test", RecordType::A).1, [a(2), a(3)]);
        assert!(table.remove("a.test", &one).unwrap());
        assert!(!table.remove("a.test", &one).unwrap());
        assert_eq!(ask(&table, "a.test", RecordType::A).1, [a(3)]);
        table.clear("a.test").unwrap();
        assert_eq!(ask(&table, "a.test", RecordType::A).1, [a(1)]);
        assert_eq!(table.write(|table| (table.records, table.names.len())), (0, 0));
    }

    #[test]
    fn aliases_are_followed_but_not_in_circles() {
        let table = DnsTable::default();
        table.add("_acme-challenge.a.test", &RecordData::Cname("b.test".into())).unwrap();
        table.add("b.test", &RecordData::Txt("answer".into())).unwrap();
        let (code, records) = ask(&table, "_acme-challenge.a.test", RecordType::TXT);
        assert_eq!(code, ResponseCode::NoError);
        assert_eq!(records.len(), 2);
        assert_eq!(records[1], RData::TXT(TXT::new(vec!["answer".into()])));

        table.clear("b.test").unwrap();
        table.add("b.test", &RecordData::Cname("_acme-challenge.a.test".into())).unwrap();
        assert_eq!(ask(&table, "b.test", RecordType::TXT).0, ResponseCode::ServFail);
    }

    #[test]
    fn failures_are_scripted_per_name() {
        let table = DnsTable::default();
        table.fail("a.test", DnsFailure::ServFail).unwrap();
        table.fail("b.test", DnsFailure::NxDomain).unwrap();
        assert_eq!(ask(&table, "a.test", RecordType::A).0, ResponseCode::ServFail);
        assert_eq!(ask(&table, "b.test", RecordType::A).0, ResponseCode::NXDomain);
        assert_eq!(ask(&table, "c.test", RecordType::A).0, ResponseCode::NoError);
        table.clear("a.test").unwrap();
        assert_eq!(ask(&table, "a.test", RecordType::A).0, ResponseCode::NoError);
    }

    #[test]
    fn what_is_no_record_is_refused() {
        let table = DnsTable::default();
        let text = |length| RecordData::Txt("x".repeat(length));
        assert!(matches!(table.add("a..test", &text(1)), Err(DnsTableError::Name(_))));
        assert!(matches!(table.add("a.test", &text(CONTENT_MAX + 1)), Err(DnsTableError::Data(_))));
        table.add("a.test", &text(CONTENT_MAX)).unwrap();
        for tag in ["", "is sue", "an0therlongtagnm"] {
            let caa = RecordData::Caa { flags: 0, tag: tag.into(), value: ";".into() };
            assert!(matches!(table.add("a.test", &caa), Err(DnsTableError::Data(_))), "{tag}");
        }
    }

    #[test]
    fn the_wire_form_names_the_type() {
        let mx = RecordData::Mx { preference: 10, exchange: "mail.test".into() };
        let json = serde_json::to_string(&mx).unwrap();
        assert_eq!(json, r#"{"type":"MX","value":{"preference":10,"exchange":"mail.test"}}"#);
        assert_eq!(serde_json::from_str::<RecordData>(&json).unwrap(), mx);
        let a: RecordData = serde_json::from_str(r#"{"type":"AAAA","value":"::1"}"#).unwrap();
        assert_eq!(a, RecordData::Aaaa(Ipv6Addr::LOCALHOST));
    }
}
