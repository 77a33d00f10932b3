//! Mail servers of users: one that talks, and some that are no good.

use std::{
    net::{Ipv4Addr, SocketAddr},
    time::Duration,
};

use tokio::{
    io::{AsyncBufReadExt, AsyncWriteExt, BufStream},
    net::{TcpListener, TcpStream},
    sync::mpsc,
    time::timeout,
};

/// A conversation line by line.
pub(crate) struct Talk(pub(crate) BufStream<TcpStream>);

impl Talk {
    pub(crate) async fn connect(address: SocketAddr) -> Self {
        let mut talk = Self(BufStream::new(TcpStream::connect(address).await.unwrap()));
        assert!(talk.answer().await.starts_with("220 "));
        talk
    }

    pub(crate) async fn line(&mut self) -> String {
        let mut line = String::new();
        self.0.read_line(&mut line).await.unwrap();
        line.trim_end_matches("\r\n").to_owned()
    }

    pub(crate) async fn send(&mut self, text: &str) {
        self.0.write_all(text.as_bytes()).await.unwrap();
        self.0.flush().await.unwrap();
    }

    /// The last line of an answer.
    pub(crate) async fn answer(&mut self) -> String {
        loop {
            let line = self.line().await;
            if line.as_bytes().get(3) != Some(&b'-') {
                return line;
            }
        }
    }

    pub(crate) async fn ask(&mut self, command: &str) -> String {
        self.send(&format!("{command}\r\n")).await;
        self.answer().await
    }

    /// Hands a mail over; gives the verdict.
    pub(crate) async fn deliver(&mut self, mail: &str) -> String {
        assert!(self.ask("MAIL FROM:<alice@example.test> SIZE=1000").await.starts_with("250 "));
        assert!(self.ask("RCPT TO:<acme@ca.test>").await.starts_with("250 "));
        assert!(self.ask("DATA").await.starts_with("354 "));
        let stuffed = mail.replace("\r\n.", "\r\n..");
        self.ask(&format!("{stuffed}.")).await
    }
}

/// What a mail server has taken.
pub(crate) struct Mailbox(mpsc::UnboundedReceiver<(String, String)>);

impl Mailbox {
    /// Envelope and mail, when it comes.
    pub(crate) async fn next(&mut self) -> (String, String) {
        timeout(Duration::from_secs(20), self.0.recv()).await.expect("a mail in time").unwrap()
    }
}

/// The user's mail server: takes whatever comes. Turns the first `busy` connections away.
pub(crate) async fn mailbox(busy: usize) -> (SocketAddr, Mailbox) {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let address = listener.local_addr().unwrap();
    let (sender, receiver) = mpsc::unbounded_channel();
    tokio::spawn(async move {
        for count in 0.. {
            let mut talk = Talk(BufStream::new(listener.accept().await.unwrap().0));
            if count < busy {
                talk.send("421 busy\r\n").await;
                continue;
            }
            talk.send("220 mx.example.test\r\n").await;
            let mut envelope = String::new();
            loop {
                let line = talk.line().await;
                match line.split([' ', ':']).next().unwrap() {
                    "DATA" => break,
                    "EHLO" => talk.send("250-mx.example.test\r\n250-8BITMIME\r\n250-SMTPUTF8\r\n").await,
                    "MAIL" | "RCPT" => envelope.push_str(&line),
                    _ => {}
                }
                talk.send("250 fine\r\n").await;
            }
            talk.send("354 go on\r\n").await;
            let mut mail = String::new();
            loop {
                let line = talk.line().await;
                if line == "." {
                    break;
                }
                mail.push_str(line.strip_prefix('.').unwrap_or(&line));
                mail.push_str("\r\n");
            }
            talk.send("250 taken\r\n").await;
            sender.send((envelope, mail)).unwrap();
        }
    });
    (address, Mailbox(receiver))
}

/// A mail server that says this to whoever connects, and no more.
pub(crate) async fn saying(words: &'static str) -> SocketAddr {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        let mut connections = Vec::new();
        loop {
            let mut talk = Talk(BufStream::new(listener.accept().await.unwrap().0));
            talk.send(words).await;
            connections.push(talk);
        }
    });
    address
}
