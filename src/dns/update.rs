//! Dynamic updates, signed with a shared key (RFC 2136, RFC 8945).

use std::net::SocketAddr;
use std::time::{SystemTime, UNIX_EPOCH};

use hickory_net::proto::op::update_message::{append, delete_by_rdata};
use hickory_net::proto::op::{DnsResponse, Message, ResponseCode};
use hickory_net::proto::rr::rdata::TXT;
use hickory_net::proto::rr::rdata::tsig::{TsigAlgorithm as Algorithm, TsigError};
use hickory_net::proto::rr::{RData, Record, RecordSet, TSigner};

use crate::core::dns_record::{RecordName, TxtRecord};
use crate::core::secret::Secret;
use crate::core::update_file::{ServerAddress, TsigAlgorithm};

use super::exchange::exchange;
use super::reply::wire_name;
use super::{DnsClient, LookupError, Server};

/// How long others may keep a record that is needed for minutes, in seconds.
const TTL: u32 = 60;

/// How far the clocks of both sides may differ, in seconds (RFC 8945 §10 recommends it).
const FUDGE: u16 = 300;

/// The key that both sides know.
#[derive(Clone, Debug)]
pub struct UpdateKey {
    /// What the server calls it.
    pub name: RecordName,
    /// How it signs.
    pub algorithm: TsigAlgorithm,
    /// The key itself.
    pub secret: Secret,
}

/// What is updated where; what is absent is found in the DNS.
#[derive(Clone, Debug)]
pub struct UpdateTarget {
    /// The server; the zone's primary when absent.
    pub server: Option<ServerAddress>,
    /// The zone; that of the record when absent.
    pub zone: Option<RecordName>,
}

/// What is done with a record; others of its name stay as they are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Change {
    /// It is added, unless it is there.
    Add,
    /// It is removed, if it is there.
    Remove,
}

/// What a server holds against a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyFault {
    /// It knows none of this name and algorithm.
    Unknown,
    /// Its secret is another one.
    Secret,
    /// The clocks differ by more than five minutes.
    Clock,
}

/// Why a zone was not updated.
#[derive(Clone, Debug, thiserror::Error)]
pub enum UpdateError {
    /// Zone or server could not be found.
    #[error(transparent)]
    Lookup(#[from] LookupError),
    /// No server is known to take updates.
    #[error("it is not known which server takes updates of {zone}")]
    NoServer {
        /// The zone.
        zone: RecordName,
    },
    /// The record does not belong there.
    #[error("{name} is not in the zone {zone}")]
    OtherZone {
        /// The record's name.
        name: RecordName,
        /// The zone.
        zone: RecordName,
    },
    /// The server did not answer.
    #[error("{server} took no update of {zone}: {why}")]
    NoAnswer {
        /// The server.
        server: Server,
        /// The zone.
        zone: RecordName,
        /// What happened instead.
        why: String,
    },
    /// The server does not accept the key.
    #[error("{server} does not accept the key {key} ({algorithm}): {}", match fault {
        KeyFault::Unknown => "it knows no such key",
        KeyFault::Secret => "its own has another secret",
        KeyFault::Clock => "its clock and this machine's differ by more than five minutes",
    })]
    Key {
        /// The server.
        server: Server,
        /// The key's name.
        key: RecordName,
        /// The key's algorithm.
        algorithm: TsigAlgorithm,
        /// What is wrong with it.
        fault: KeyFault,
    },
    /// The server knows the key, and does not do it.
    #[error("{server} did not update {name} in the zone {zone}: {code}")]
    Refused {
        /// The server.
        server: Server,
        /// The record's name.
        name: RecordName,
        /// The zone.
        zone: RecordName,
        /// The server's answer.
        code: String,
    },
    /// The answer is not signed with the key, so that anybody may have sent it.
    #[error("the answer of {server} is not signed with the key {key}")]
    Unsigned {
        /// The server.
        server: Server,
        /// The key's name.
        key: RecordName,
    },
    /// The message could not be made.
    #[error("the update could not be signed: {0}")]
    Unsignable(String),
}

/// An update that knows where it goes.
struct Update<'a> {
    zone: RecordName,
    record: &'a TxtRecord,
    key: &'a UpdateKey,
    message: Message,
}

impl DnsClient {
    /// Changes one record of a zone.
    ///
    /// # Errors
    /// [`UpdateError`] says who would not, and why.
    pub async fn update(
        &self,
        target: &UpdateTarget,
        key: &UpdateKey,
        change: Change,
        record: &TxtRecord,
    ) -> Result<(), UpdateError> {
        let (zone, primary) = match (&target.zone, &target.server) {
            (Some(zone), Some(_)) => (zone.clone(), None),
            (zone, _) => {
                let found = self.zone(zone.as_ref().unwrap_or(&record.name)).await?;
                (zone.clone().unwrap_or(found.apex), found.primary)
            }
        };
        if !record.name.is_within(&zone) {
            return Err(UpdateError::OtherZone { name: record.name.clone(), zone });
        }
        let servers = self.update_servers(target, &zone, primary).await?;
        let message = message(change, record, &zone);
        let update = Update { zone, record, key, message };
        let mut outcome = Err(UpdateError::NoServer { zone: update.zone.clone() });
        for server in servers {
            outcome = update.send(server).await;
            // Another address of a server that is silent may be open.
            if !matches!(outcome, Err(UpdateError::NoAnswer { .. })) {
                break;
            }
        }
        outcome
    }

    /// The addresses of the server that takes updates.
    async fn update_servers(
        &self,
        target: &UpdateTarget,
        zone: &RecordName,
        primary: Option<RecordName>,
    ) -> Result<Vec<Server>, UpdateError> {
        let (host, port) = match &target.server {
            Some(ServerAddress::Address(address, port)) => {
                let port = port.unwrap_or(self.settings.port());
                return Ok(vec![Server { host: None, address: (*address, port).into() }]);
            }
            Some(ServerAddress::Host(host, port)) => (host.clone(), *port),
            None => (primary.ok_or_else(|| UpdateError::NoServer { zone: zone.clone() })?, None),
        };
        let port = port.unwrap_or(self.settings.port());
        let addresses = self.addresses(&host).await?.into_iter();
        let at = |address| Server { host: Some(host.clone()), address: SocketAddr::new(address, port) };
        Ok(addresses.map(at).collect())
    }
}

/// One record more or less in a zone, whatever else is there (RFC 2136 §2.5.1, §2.5.4).
fn message(change: Change, record: &TxtRecord, zone: &RecordName) -> Message {
    let data = RData::TXT(TXT::new(vec![record.value.clone()]));
    let records = RecordSet::from(Record::from_rdata(wire_name(&record.name), TTL, data));
    match change {
        Change::Add => append(records, wire_name(zone), false, false),
        Change::Remove => delete_by_rdata(records, wire_name(zone), false),
    }
}

impl Update<'_> {
    async fn send(&self, server: Server) -> Result<(), UpdateError> {
        let signer = self.signer().map_err(UpdateError::Unsignable)?;
        let mut message = self.message.clone();
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
        let signed = message.finalize(&signer, now);
        let verifier = signed.map_err(|error| UpdateError::Unsignable(error.to_string()))?;
        let response = exchange(server.address, message).await.map_err(|error| UpdateError::NoAnswer {
            server: server.clone(),
            zone: self.zone.clone(),
            why: error.to_string(),
        })?;
        // First what is held against the key: such an answer can't be signed with it, and verifying would only say so.
        if let Some(fault) = key_fault(&response) {
            let (key, algorithm) = (self.key.name.clone(), self.key.algorithm);
            return Err(UpdateError::Key { server, key, algorithm, fault });
        }
        let code = response.response_code;
        let verified = verifier.is_some_and(|mut verifier| verifier.verify(response.as_buffer()).is_ok());
        match code {
            ResponseCode::NoError if verified => Ok(()),
            ResponseCode::NoError => Err(UpdateError::Unsigned { server, key: self.key.name.clone() }),
            code => Err(UpdateError::Refused {
                server,
                name: self.record.name.clone(),
                zone: self.zone.clone(),
                code: meaning(code),
            }),
        }
    }

    fn signer(&self) -> Result<TSigner, String> {
        let algorithm = match self.key.algorithm {
            TsigAlgorithm::HmacSha256 => Algorithm::HmacSha256,
            TsigAlgorithm::HmacSha384 => Algorithm::HmacSha384,
            TsigAlgorithm::HmacSha512 => Algorithm::HmacSha512,
        };
        let secret = self.key.secret.expose().to_vec();
        TSigner::new(secret, algorithm, wire_name(&self.key.name), FUDGE).map_err(|error| error.to_string())
    }
}

/// What the server holds against the key (RFC 8945 §5.2).
fn key_fault(response: &DnsResponse) -> Option<KeyFault> {
    match response.signature()?.data.error? {
        TsigError::BadKey => Some(KeyFault::Unknown),
        TsigError::BadTime => Some(KeyFault::Clock),
        TsigError::BadSig | TsigError::BadTrunc => Some(KeyFault::Secret),
        TsigError::Unknown(_) => None,
    }
}

/// What an error code means for an update (RFC 2136 §2.2).
fn meaning(code: ResponseCode) -> String {
    match code {
        ResponseCode::Refused => "it refuses, so the key may not change this record".into(),
        ResponseCode::NotAuth => "it is not the zone's primary".into(),
        ResponseCode::NotZone => "the record is not in the zone".into(),
        ResponseCode::NotImp => "it takes no updates".into(),
        ResponseCode::ServFail => "it failed, perhaps because it can't write the zone".into(),
        other => format!("it answers {other}"),
    }
}

#[cfg(test)]
mod tests {
    use hickory_net::proto::op::{OpCode, UpdateMessage as _};
    use hickory_net::proto::rr::DNSClass;

    use super::*;

    /// Takes every update at its word, and does not sign what it says.
    async fn careless_server() -> SocketAddr {
        let socket = tokio::net::UdpSocket::bind("127.0.0.1:0").await.unwrap();
        let address = socket.local_addr().unwrap();
        tokio::spawn(async move {
            let mut packet = [0; 1500];
            while let Ok((length, peer)) = socket.recv_from(&mut packet).await {
                let request = Message::from_vec(&packet[..length]).unwrap();
                assert!(request.signature().is_some());
                let mut answer = Message::response(request.id, OpCode::Update);
                answer.add_queries(request.queries.clone());
                socket.send_to(&answer.to_vec().unwrap(), peer).await.unwrap();
            }
        });
        address
    }

    #[tokio::test]
    async fn consent_without_a_signature_is_none() {
        let address = careless_server().await;
        let target = UpdateTarget {
            server: Some(ServerAddress::Address(address.ip(), Some(address.port()))),
            zone: Some("a.test".parse().unwrap()),
        };
        let key = UpdateKey {
            name: "key".parse().unwrap(),
            algorithm: TsigAlgorithm::HmacSha256,
            secret: Secret::new(b"secret".to_vec()),
        };
        let client = DnsClient::new(&crate::core::dns_settings::DnsSettings::default());
        let update = async |name: &str| {
            let record = TxtRecord { name: name.parse().unwrap(), value: "value".into() };
            client.update(&target, &key, Change::Add, &record).await.unwrap_err()
        };
        assert!(matches!(update("_x.a.test").await, UpdateError::Unsigned { .. }));
        assert!(matches!(update("_x.b.test").await, UpdateError::OtherZone { .. }));
    }

    #[test]
    fn exactly_one_record_is_added_or_removed() {
        let record = TxtRecord { name: "_x.a.test".parse().unwrap(), value: "value".into() };
        let zone = "a.test".parse().unwrap();
        for (change, class, ttl) in [(Change::Add, DNSClass::IN, TTL), (Change::Remove, DNSClass::NONE, 0)] {
            let message = message(change, &record, &zone);
            assert_eq!(message.op_code, OpCode::Update);
            assert_eq!(message.zones()[0].name().to_ascii(), "a.test.");
            assert!(message.prerequisites().is_empty());
            let [update] = message.updates() else { panic!("{:?}", message.updates()) };
            assert_eq!(
                (update.name.to_ascii().as_str(), update.dns_class, update.ttl),
                ("_x.a.test.", class, ttl)
            );
            assert_eq!(update.data, RData::TXT(TXT::new(vec!["value".into()])));
        }
    }
}
