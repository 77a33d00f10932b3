//! Where validations arrive: ports of our own, of systemd, and behind a proxy.

use std::net::TcpListener;
use std::os::fd::OwnedFd;
use std::process::{Command, Stdio};

use crate::common::programs::Server;
use crate::common::run::wait;
use crate::common::{World, clean, free_address};

/// As systemd starts a service with a socket: the descriptor is number 3, and the port is not ours to open.
fn with_socket(world: &World, socket: TcpListener, arguments: &[&str]) -> Command {
    let client = world.command(arguments);
    let environment = client.get_envs().filter_map(|(key, value)| Some((key.to_owned(), value?.to_owned())));
    let mut command = clean("sh", world.folder.path());
    command.envs(environment.collect::<Vec<_>>());
    command.args(["-c", "exec 3<&0 </dev/null; LISTEN_PID=$$ LISTEN_FDS=1 exec \"$@\"", "sh"]);
    command.arg(client.get_program()).args(arguments);
    command.stdin(Stdio::from(OwnedFd::from(socket)));
    command
}

pub(crate) fn sockets_of_systemd_are_used() {
    let world = World::registered();
    for (port, method) in [(world.mock().http_port(), "standalone"), (world.mock().tls_port(), "tls-alpn")] {
        let socket = TcpListener::bind(("127.0.0.1", port)).unwrap();
        let method = format!("--{method}=127.0.0.1:{port}");
        let mut command =
            with_socket(&world, socket, &["issue", "-d", "www.example.test", "--force", &method]);
        let mut child = command.stdout(Stdio::null()).spawn().unwrap();
        assert_eq!(wait(&mut child), 0, "{method}");
    }
}

/// A web server keeps port 80 and passes the path on.
pub(crate) fn standalone_behind_a_proxy() {
    let world = World::registered();
    let behind = free_address();
    let config = format!(
        "daemon off; pid {0}/nginx.pid; error_log stderr; events {{}} http {{ access_log off;
         client_body_temp_path {0}/b; proxy_temp_path {0}/p; fastcgi_temp_path {0}/f; uwsgi_temp_path {0}/u;
         scgi_temp_path {0}/s; server {{ listen 127.0.0.1:{1};
         location /.well-known/acme-challenge/ {{ proxy_pass http://{behind}; }} }} }}",
        world.folder.path().display(),
        world.mock().http_port()
    );
    std::fs::write(world.path("nginx.conf"), config).unwrap();
    let mut nginx = clean("nginx", world.folder.path());
    nginx.arg("-c").arg(world.path("nginx.conf"));
    let _nginx = Server::start(nginx, ([127, 0, 0, 1], world.mock().http_port()).into());
    world.client(&["issue", "-d", "www.example.test", &format!("--standalone={behind}")]).succeeds();
}

/// Without an address, a port of all addresses: the server comes by IPv4 or IPv6.
pub(crate) fn a_port_alone_is_that_of_all_addresses() {
    let world = World::registered();
    let standalone = format!("--standalone={}", world.mock().http_port());
    for address in ["127.0.0.1", "::1"] {
        let issue = ["issue", "--ip", address, &standalone];
        world.client(&issue).succeeds();
    }
}
