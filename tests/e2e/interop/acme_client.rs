//! npm's `acme-client`, a library for Node.js; installed by the test command.

use std::fs;
use std::path::Path;

use crate::common::programs::{openssl_key_matches, openssl_verifies};
use crate::common::{World, clean, run};

/// Where the test command puts it.
pub(crate) const FOLDER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/target/tools/npm/node_modules");

const PROGRAM: &str = r"
const acme = require('acme-client'), http = require('http'), fs = require('fs'), env = process.env;
(async () => {
  const answers = {};
  const server = http.createServer((request, response) => {
    const answer = answers[request.url.split('/').pop()];
    response.statusCode = answer ? 200 : 404;
    response.end(answer);
  }).listen(+env.HTTP_PORT, '127.0.0.1');
  const client = new acme.Client({
    directoryUrl: env.DIRECTORY, accountKey: await acme.crypto.createPrivateEcdsaKey(),
    externalAccountBinding: { kid: env.KID, hmacKey: env.HMAC_KEY },
  });
  const [key, csr] = await acme.crypto.createCsr({ altNames: ['npm.example.test', 'npm2.example.test'] });
  const certificate = await client.auto({
    csr, email: 'alice@example.test', termsOfServiceAgreed: true, skipChallengeVerification: true,
    challengePriority: ['http-01'],
    challengeCreateFn: async (authorization, challenge, answer) => { answers[challenge.token] = answer; },
    challengeRemoveFn: async (authorization, challenge) => { delete answers[challenge.token]; },
  });
  fs.writeFileSync('npm.pem', certificate);
  fs.writeFileSync('npm.key', key);
  await client.updateAccountKey(await acme.crypto.createPrivateEcdsaKey());
  await client.updateAccount({ contact: ['mailto:bob@example.test'] });
  await client.revokeCertificate(certificate, { reason: 4 });
  server.close();
})().catch(error => { console.error(error); process.exit(1); });
";

pub(crate) fn npm_acme_client_with_our_mock() {
    let world = World::new();
    fs::write(world.path("program.js"), PROGRAM).unwrap();
    let node = crate::common::programs::find("node").unwrap();
    let mut command = clean(node, world.folder.path());
    command
        .arg("program.js")
        .env("NODE_PATH", FOLDER)
        .env("NODE_EXTRA_CA_CERTS", world.path("ca-bundle.pem"));
    command
        .env("DIRECTORY", world.mock().directory_url())
        .env("HTTP_PORT", world.mock().http_port().to_string());
    command.env("KID", &world.eab.kid).env("HMAC_KEY", &world.eab.hmac_key);
    run(command).succeeds();
    let file = |name: &str| world.path(name);
    openssl_verifies(&file("root.pem"), Path::new(&file("npm.pem")), &file("npm.pem"));
    openssl_key_matches(&file("npm.key"), &file("npm.pem"));
}
