//! What a server's answer says. Only what is about the name that was asked for counts.

use std::net::IpAddr;

use hickory_net::proto::op::{Message, Query, ResponseCode};
use hickory_net::proto::rr::{Name, RData, Record, RecordType};

use crate::core::dns_record::RecordName;

/// A question to a resolver (`recursion`) or to a server that should know by itself.
pub(super) fn question(name: &RecordName, kind: RecordType, recursion: bool) -> Message {
    let mut message = Message::query();
    message.metadata.recursion_desired = recursion;
    message.add_query(Query::query(wire_name(name), kind));
    // Room for what fits into one packet nearly everywhere (RFC 9715).
    message.edns.get_or_insert_default().set_max_payload(1232);
    message
}

/// The name as hickory has it.
pub(super) fn wire_name(name: &RecordName) -> Name {
    // Letters, digits, hyphens and underscores in labels of up to 63: always a name.
    Name::from_ascii(name.with_final_dot()).unwrap_or_default()
}

/// A name from the DNS, if it is one that we work with.
fn record_name(name: &Name) -> Option<RecordName> {
    RecordName::parse(&name.to_ascii()).ok()
}

/// Where a zone begins, and what its SOA record says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Zone {
    /// Its topmost name.
    pub(super) apex: RecordName,
    /// The server that takes updates.
    pub(super) primary: Option<RecordName>,
}

/// An answer to a question.
#[derive(Clone, Debug)]
pub(super) struct Reply(pub(super) Message);

impl Reply {
    pub(super) fn code(&self) -> ResponseCode {
        self.0.response_code
    }

    /// Whether the name exists or not, as somebody who knows says.
    pub(super) fn is_answer(&self) -> bool {
        matches!(self.code(), ResponseCode::NoError | ResponseCode::NXDomain)
    }

    /// The name that this one is another name of.
    pub(super) fn alias(&self, name: &RecordName) -> Option<RecordName> {
        self.of(name).find_map(|data| match data {
            RData::CNAME(target) => record_name(&target.0),
            _ => None,
        })
    }

    /// The TXT records of a name, each put together from its strings; aliases followed as far as the answer goes.
    pub(super) fn texts(&self, name: &RecordName) -> Vec<String> {
        let mut name = name.clone();
        // No chain is longer than the answer.
        for _ in &self.0.answers {
            name = self.alias(&name).unwrap_or(name);
        }
        let text = |data: &RData| match data {
            RData::TXT(text) => Some(String::from_utf8_lossy(&text.txt_data.concat()).into_owned()),
            _ => None,
        };
        self.of(&name).filter_map(text).collect()
    }

    /// The zone that the name is in, if the answer tells: by the SOA record itself, or by the one that comes with
    /// every negative answer (RFC 2308 §3). A zone that the name is not in is an alias's.
    pub(super) fn zone(&self, name: &RecordName) -> Option<Zone> {
        self.0.answers.iter().chain(&self.0.authorities).find_map(|record| match &record.data {
            RData::SOA(soa) => {
                let apex = record_name(&record.name).filter(|apex| name.is_within(apex))?;
                Some(Zone { apex, primary: record_name(&soa.mname) })
            }
            _ => None,
        })
    }

    /// The names of a zone's servers.
    pub(super) fn name_servers(&self, apex: &RecordName) -> Vec<RecordName> {
        let host = |data: &RData| match data {
            RData::NS(host) => record_name(&host.0),
            _ => None,
        };
        self.of(apex).filter_map(host).collect()
    }

    /// The addresses in the answer, whatever aliases lead to them.
    pub(super) fn addresses(&self) -> Vec<IpAddr> {
        self.0.answers.iter().filter_map(|record| record.data.ip_addr()).collect()
    }

    fn of<'a>(&'a self, name: &RecordName) -> impl Iterator<Item = &'a RData> {
        let name = wire_name(name);
        let about = move |record: &&Record| record.name == name;
        self.0.answers.iter().filter(about).map(|record| &record.data)
    }
}

#[cfg(test)]
mod tests {
    use std::str::FromStr as _;

    use hickory_net::proto::rr::rdata::{CNAME, NS, SOA, TXT};

    use super::*;

    fn name(text: &str) -> RecordName {
        text.parse().unwrap()
    }

    fn wire(text: &str) -> Name {
        Name::from_str(text).unwrap()
    }

    fn reply(answers: Vec<(&str, RData)>, authorities: Vec<(&str, RData)>) -> Reply {
        let record = |(name, data)| Record::from_rdata(wire(name), 60, data);
        let mut message = Message::query();
        message.add_answers(answers.into_iter().map(record));
        message.add_authorities(authorities.into_iter().map(record));
        Reply(message)
    }

    fn cname(target: &str) -> RData {
        RData::CNAME(CNAME(wire(target)))
    }

    fn txt(strings: &[&str]) -> RData {
        RData::TXT(TXT::new(strings.iter().map(ToString::to_string).collect()))
    }

    fn soa(primary: &str) -> RData {
        RData::SOA(SOA::new(wire(primary), wire("admin.a.test."), 1, 2, 3, 4, 5))
    }

    #[test]
    fn texts_are_put_together_and_found_through_aliases() {
        let reply = reply(
            vec![
                ("_X.a.test.", cname("y.b.test.")),
                ("y.b.test.", cname("z.b.test.")),
                ("z.b.test.", txt(&["one ", "text"])),
                ("z.b.test.", txt(&["two"])),
                ("other.test.", txt(&["not asked for"])),
            ],
            vec![],
        );
        assert_eq!(reply.alias(&name("_x.a.test")), Some(name("y.b.test")));
        assert_eq!(reply.texts(&name("_x.a.test")), ["one text", "two"]);
        assert_eq!(reply.texts(&name("a.test")), [""; 0]);
    }

    #[test]
    fn a_circle_of_aliases_ends() {
        let reply = reply(vec![("a.test.", cname("b.test.")), ("b.test.", cname("a.test."))], vec![]);
        assert_eq!(reply.texts(&name("a.test")), [""; 0]);
    }

    #[test]
    fn the_zone_is_that_of_the_name_and_not_of_its_alias() {
        let asked = name("_x.www.a.test");
        let negative = reply(vec![], vec![("A.test.", soa("ns1.a.test."))]);
        let zone = Zone { apex: name("a.test"), primary: Some(name("ns1.a.test")) };
        assert_eq!(negative.zone(&asked), Some(zone));
        let elsewhere =
            reply(vec![("_x.www.a.test.", cname("b.test."))], vec![("b.test.", soa("ns1.b.test."))]);
        assert_eq!(elsewhere.zone(&asked), None);
    }

    #[test]
    fn servers_with_names_that_no_host_has_are_left_out() {
        let reply = reply(
            vec![
                ("a.test.", RData::NS(NS(wire("NS1.a.test.")))),
                ("a.test.", RData::NS(NS(Name::from_labels([&b"ns 2"[..], b"a", b"test"]).unwrap()))),
                ("b.test.", RData::NS(NS(wire("ns1.b.test.")))),
            ],
            vec![],
        );
        assert_eq!(reply.name_servers(&name("a.test")), [name("ns1.a.test")]);
    }
}
