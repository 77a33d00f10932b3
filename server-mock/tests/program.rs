//! The program from outside: environment, status, signals, ready file.
#![allow(clippy::unwrap_used, reason = "a step that fails fails the test")]

use std::{
    fs,
    os::unix::process::CommandExt,
    path::Path,
    process::{Child, Command, Output, Stdio},
    thread,
    time::{Duration, Instant},
};

use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};
use serde_json::Value;
use tempfile::TempDir;

const DEADLINE: Duration = Duration::from_secs(20);

fn server_mock() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_server-mock"));
    command.env_clear().env("PATH", std::env::var_os("PATH").unwrap_or_default()).stdin(Stdio::null());
    command
}

/// `exec` with a shell script.
fn exec(script: &str) -> Output {
    server_mock().args(["exec", "--", "sh", "-c", script]).output().unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

/// Looks again and again until there is something.
fn wait_for<T>(what: &str, mut look: impl FnMut() -> Option<T>) -> T {
    let start = Instant::now();
    while start.elapsed() < DEADLINE {
        if let Some(found) = look() {
            return found;
        }
        thread::sleep(Duration::from_millis(5));
    }
    panic!("waited for {what} in vain");
}

fn wait_for_file(path: &Path) -> String {
    wait_for("a file", || fs::read_to_string(path).ok().filter(|content| !content.is_empty()))
}

fn wait_for_end(child: &mut Child) -> Option<i32> {
    wait_for("the end", || child.try_wait().unwrap()).code()
}

fn signal(child: &Child, signal: Signal) {
    kill(Pid::from_raw(i32::try_from(child.id()).unwrap()), signal).unwrap();
}

async fn get(url: &str, bundle: &str) -> reqwest::Result<Value> {
    let root = reqwest::Certificate::from_pem(bundle.as_bytes())?;
    let client = reqwest::Client::builder().no_proxy().tls_certs_only([root]).build()?;
    let body = client.get(url).send().await?.error_for_status()?.bytes().await?;
    Ok(serde_json::from_slice(&body).unwrap())
}

#[test]
fn exec_tells_the_command_everything() {
    let output =
        exec("env; stat -c %a \"$(dirname \"$ACME_ROOT\")\"; cat \"$ACME_CA_BUNDLE\" \"$ACME_ROOT\"");
    let stdout = text(&output.stdout);
    assert!(output.status.success(), "{stdout}");
    assert_eq!(text(&output.stderr), "", "quiet by default");
    for (name, begins) in [
        ("ACME_DIRECTORY_URL", "https://127.0.0.1:"),
        ("ACME_CA_BUNDLE", "/"),
        ("ACME_ROOT", "/"),
        ("ACME_EAB_KID", ""),
        ("ACME_EAB_HMAC_KEY", ""),
        ("ACME_HTTP_PORT", ""),
        ("ACME_TLS_PORT", ""),
        ("ACME_DNS", "127.0.0.1:"),
        ("ACME_ADMIN_URL", "http://127.0.0.1:"),
        ("CACERT_ACME_SERVER", "https://127.0.0.1:"),
        ("CACERT_ACME_CA_BUNDLE", "/"),
        ("CACERT_ACME_EAB_KID", ""),
        ("CACERT_ACME_EAB_KEY", ""),
    ] {
        let line = stdout.lines().find_map(|line| line.strip_prefix(&format!("{name}=")));
        let value = line.unwrap_or_else(|| panic!("{name} is missing"));
        assert!(value.len() > begins.len() && value.starts_with(begins), "{name}={value}");
    }
    assert!(stdout.contains("\n700\n"), "{stdout}");
    assert_eq!(stdout.matches("-----BEGIN CERTIFICATE-----").count(), 2);
    let root = stdout.lines().find_map(|line| line.strip_prefix("ACME_ROOT=")).unwrap();
    assert!(!Path::new(root).parent().unwrap().exists(), "the folder goes away");
}

#[test]
fn exec_ends_with_the_status_of_the_command() {
    assert_eq!(exec("exit 0").status.code(), Some(0));
    assert_eq!(exec("exit 7").status.code(), Some(7));
    assert_eq!(exec("kill -KILL $$").status.code(), Some(128 + 9));
}

#[test]
fn exec_says_what_could_not_be_run() {
    let output = server_mock().args(["exec", "--", "no-such-command-anywhere"]).output().unwrap();
    assert_eq!(output.status.code(), Some(127));
    let stderr = text(&output.stderr);
    assert!(stderr.starts_with("error: could not run no-such-command-anywhere\ncause: "), "{stderr}");
    assert!(stderr.contains("\nhint:  "), "{stderr}");
    let output = server_mock().args(["exec", "--", "/"]).output().unwrap();
    assert_eq!(output.status.code(), Some(126));
    assert_eq!(server_mock().arg("exec").output().unwrap().status.code(), Some(2));
}

#[test]
fn exec_passes_signals_on_and_waits() {
    let folder = TempDir::new().unwrap();
    let (ready, root) = (folder.path().join("ready"), folder.path().join("root"));
    for (name, number) in
        [(Signal::SIGTERM, 3), (Signal::SIGINT, 4), (Signal::SIGHUP, 5), (Signal::SIGUSR1, 6)]
    {
        let script = format!(
            "trap 'exit {number}' {}; echo \"$ACME_ROOT\" >{root}; echo . >{ready}; while :; do sleep 0.05; done",
            name.as_str().trim_start_matches("SIG"),
            root = root.display(),
            ready = ready.display(),
        );
        // A group of its own: at a terminal, what is sent to the foreground's is taken for typed.
        let mut child =
            server_mock().args(["exec", "--", "sh", "-c", &script]).process_group(0).spawn().unwrap();
        wait_for_file(&ready);
        signal(&child, name);
        assert_eq!(wait_for_end(&mut child), Some(number), "{name}");
        assert!(!Path::new(fs::read_to_string(&root).unwrap().trim()).exists());
        fs::remove_file(&ready).unwrap();
    }
}

#[test]
fn several_run_beside_each_other() {
    let start = |_| {
        let command = ["exec", "--", "sh", "-c", "echo $ACME_DIRECTORY_URL"];
        server_mock().args(command).stdout(Stdio::piped()).spawn().unwrap()
    };
    let children: Vec<_> = (0..4).map(start).collect();
    let mut urls: Vec<_> =
        children.into_iter().map(|child| text(&child.wait_with_output().unwrap().stdout)).collect();
    urls.sort();
    urls.dedup();
    assert_eq!(urls.len(), 4, "{urls:?}");
}

#[tokio::test]
async fn serve_announces_itself_and_ends_cleanly() {
    let folder = TempDir::new().unwrap();
    let ready = folder.path().join("ready.json");
    fs::write(&ready, "left over from a crash").unwrap();
    for signal_name in [Signal::SIGTERM, Signal::SIGINT] {
        let mut child = server_mock()
            .args(["serve", "--acme", "127.0.0.1:0", "--admin", "127.0.0.1:0", "--dns", "127.0.0.1:0"])
            .args(["--http-port", "8080", "--tls-port", "8443", "--ready-file"])
            .arg(&ready)
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let document: Value =
            wait_for("the ready file", || serde_json::from_str(&fs::read_to_string(&ready).ok()?).ok());
        assert_eq!((&document["http_port"], &document["tls_port"]), (&8080.into(), &8443.into()));
        assert_eq!(document["pid"], child.id());

        let bundle = document["ca_bundle_pem"].as_str().unwrap();
        let directory = get(document["directory_url"].as_str().unwrap(), bundle).await.unwrap();
        assert_eq!(directory["meta"]["externalAccountRequired"], true);
        let owners = format!("{}/api/owners", document["admin_url"].as_str().unwrap());
        assert_eq!(get(&owners, bundle).await.unwrap(), serde_json::json!([]), "serve makes no demo owner");

        // A second server that can't start does not take the file of the first away.
        let taken = directory["newNonce"].as_str().unwrap().split('/').nth(2).unwrap();
        let second =
            server_mock().args(["serve", "--acme", taken, "--ready-file"]).arg(&ready).output().unwrap();
        assert_eq!(second.status.code(), Some(1), "{}", text(&second.stderr));
        assert!(ready.exists());

        signal(&child, signal_name);
        assert_eq!(wait_for_end(&mut child), Some(0));
        assert!(!ready.exists(), "the ready file is there exactly while the server is");
    }
}

#[test]
fn another_machine_can_be_told_where_we_are() {
    let script = "echo $ACME_DIRECTORY_URL $ACME_ADMIN_URL; cat $ACME_CA_BUNDLE";
    let flags = ["exec", "--host", "ca.example.test", "--acme", "0.0.0.0:0", "--", "sh", "-c", script];
    let output = server_mock().args(flags).output().unwrap();
    let stdout = text(&output.stdout);
    assert!(output.status.success(), "{}", text(&output.stderr));
    assert!(stdout.starts_with("https://ca.example.test:"), "{stdout}");
    assert!(stdout.contains(" http://ca.example.test:"), "{stdout}");
    for flags in [["--host", "a b"], ["--http-port", "0"], ["--tls-port", "0"]] {
        let output = server_mock().arg("exec").args(flags).args(["--", "true"]).output().unwrap();
        assert_eq!(output.status.code(), Some(2), "{}", text(&output.stderr));
    }
}

#[test]
fn mail_is_listened_for_when_asked() {
    let folder = TempDir::new().unwrap();
    let ready = folder.path().join("ready.json");
    let with = |flags: &[&str]| {
        let mut command = server_mock();
        command.arg("exec").args(flags).arg("--ready-file").arg(&ready);
        let output = command.args(["--", "cat"]).arg(&ready).output().unwrap();
        assert!(output.status.success(), "{}", text(&output.stderr));
        serde_json::from_slice::<Value>(&output.stdout).unwrap()
    };
    assert_eq!(with(&["--smtp", "127.0.0.1:9"])["mail_listen"], Value::Null);
    let listening = with(&["--mail-listen", "127.0.0.1:0"]);
    let address: std::net::SocketAddr = listening["mail_listen"].as_str().unwrap().parse().unwrap();
    assert_ne!(address.port(), 0);
}

#[test]
fn serve_names_the_taken_address() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let output = server_mock()
        .args(["serve", "--acme", "127.0.0.1:0", "--dns", "127.0.0.1:0", "--admin", &address])
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(1));
    let stderr = text(&output.stderr);
    assert!(stderr.starts_with("error: could not start the server\n"), "{stderr}");
    assert!(
        stderr.contains(&format!("cause: could not listen on {address} for the admin API\n")),
        "{stderr}"
    );
    assert!(stderr.contains("hint:  another server-mock may be running"), "{stderr}");
}

#[test]
fn a_seed_makes_runs_repeat() {
    let keys = |seed: &str| {
        let script = "echo $ACME_EAB_KID $ACME_EAB_HMAC_KEY";
        let output = server_mock().args(["exec", "--seed", seed, "--", "sh", "-c", script]).output().unwrap();
        text(&output.stdout)
    };
    let first = keys("1");
    assert!(first.len() > 100, "{first}");
    assert_eq!(first, keys("1"));
    assert_ne!(first, keys("2"));
}

#[test]
fn the_readme_knows_every_flag_and_variable() {
    let readme = include_str!("../README.md");
    let help = text(&server_mock().args(["serve", "--help"]).output().unwrap().stdout);
    let flags: Vec<_> = help.split_whitespace().filter_map(|word| word.strip_prefix("--")).collect();
    assert!(flags.len() > 10, "{help}");
    for flag in flags.into_iter().map(|flag| flag.trim_end_matches("...")).filter(|flag| *flag != "help") {
        assert!(readme.contains(&format!("`--{flag}")), "--{flag}");
    }
    let variables = text(&exec("env | sed -n 's/=.*//; /ACME/p'").stdout);
    assert_eq!(variables.lines().count(), 13, "{variables}");
    for variable in variables.lines() {
        assert!(readme.contains(&format!("`{variable}`")), "{variable}");
    }
}
