//! Every URL that takes signed requests, each with a request that it answers with success: what holds for all of
//! them is checked on all of them.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use serde_json::{Value, json};

use super::{Answer, Client, Key, certificates, csr, http_01};

const NAME: &str = "www.example.test";

/// A request to one URL.
pub(crate) struct Endpoint {
    pub(crate) name: &'static str,
    pub(crate) url: String,
    /// Empty for POST-as-GET.
    payload: String,
    /// Whether the URL is a resource of one account.
    pub(crate) owned: bool,
}

/// All of them, to be asked in this order: some requests change what others read.
pub(crate) struct Endpoints {
    pub(crate) list: Vec<Endpoint>,
    /// The account's key when all have been asked: the last one changes it.
    pub(crate) next_key: Key,
}

impl Endpoint {
    fn new(name: &'static str, url: &str, payload: &Value, owned: bool) -> Self {
        let payload = if payload.is_null() { String::new() } else { payload.to_string() };
        Self { name, url: url.to_owned(), payload, owned }
    }

    /// The request that succeeds when the client is the one that the table was made for.
    pub(crate) async fn ask(&self, client: &Client<'_>) -> Answer {
        self.ask_with(client, &self.payload).await
    }

    /// A request that is rightly signed, and that no URL understands.
    pub(crate) async fn ask_wrongly(&self, client: &Client<'_>) -> Answer {
        self.ask_with(client, "[]").await
    }

    async fn ask_with(&self, client: &Client<'_>, payload: &str) -> Answer {
        let protected = match self.name {
            "newAccount" => client.protected_by_key(&self.url).await,
            _ => client.protected(&self.url).await,
        };
        client.mock.post(&self.url, &client.key.jws(&protected, payload)).await
    }
}

impl Endpoints {
    /// Makes one of everything that an account can have.
    pub(crate) async fn of(client: &Client<'_>) -> Self {
        let mock = client.mock;
        let (issued, chain) = client.issue(&[NAME], &Key::es256()).await;
        let certificate = issued["certificate"].as_str().unwrap();
        let alternate = client.read(certificate).await.link("alternate");
        let (order_url, order) = client.ready_order(&["finalized.example.test"]).await;
        let csr = csr(&["finalized.example.test"], &Key::es256().for_csr());
        let pending = client.order(&["pending.example.test"]).await.expect(201);
        let authorization = pending["authorizations"][0].as_str().unwrap();
        let challenge = http_01(&client.read(authorization).await.expect(200));
        let unwanted = client.order(&["unwanted.example.test"]).await.expect(201);
        let next_key = Key::es256();
        let key_change = next_key.jws(
            &json!({"alg": next_key.algorithm, "jwk": next_key.jwk(), "url": mock.url("keyChange")}),
            &json!({"account": client.kid, "oldKey": client.key.jwk()}).to_string(),
        );

        let none = Value::Null;
        let dns = |name: &str| json!({"type": "dns", "value": name});
        let revocation = json!({"certificate": URL_SAFE_NO_PAD.encode(&certificates(&chain)[0])});
        let account_only = json!({"onlyReturnExisting": true});
        let common =
            |name: &'static str, payload: &Value| Endpoint::new(name, &mock.url(name), payload, false);
        let own = |name: &'static str, url: &str, payload: &Value| Endpoint::new(name, url, payload, true);
        let mut list = vec![
            Endpoint::new("directory", &mock.handle.directory_url(), &none, false),
            common("newNonce", &none),
            common("newAccount", &account_only),
            common("newOrder", &json!({"identifiers": [dns(NAME)]})),
            common("newAuthz", &json!({"identifier": dns("ahead.example.test")})),
            own("account", &client.kid, &none),
            own("account update", &client.kid, &json!({"contact": ["mailto:alice@example.test"]})),
            own("orders", &format!("{}/orders", client.kid), &none),
            own("order", &order_url, &none),
            own(
                "finalize",
                order["finalize"].as_str().unwrap(),
                &json!({"csr": URL_SAFE_NO_PAD.encode(csr)}),
            ),
            own("authorization", authorization, &none),
            own("challenge", challenge["url"].as_str().unwrap(), &none),
            own("challenge response", challenge["url"].as_str().unwrap(), &json!({})),
            own(
                "deactivation",
                unwanted["authorizations"][0].as_str().unwrap(),
                &json!({"status": "deactivated"}),
            ),
            own("certificate", certificate, &none),
        ];
        list.extend(alternate.map(|url| own("other chain", &url, &none)));
        list.extend([common("revokeCert", &revocation), common("keyChange", &key_change)]);
        Self { list, next_key }
    }
}
