//! A slow link: a TCP proxy that holds everything back for half a round trip, each way. The benchmark and the
//! end-to-end tests share it.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::Runtime;
use tokio::sync::mpsc;
use tokio::time::Instant;

/// What is on its way at most, in pieces of up to 16 KiB.
const PIECES: usize = 1024;

/// A proxy in a thread of its own, until it is dropped.
pub(crate) struct Link {
    address: SocketAddr,
    connections: Arc<AtomicUsize>,
    _runtime: Runtime,
}

impl Link {
    /// To this address, whoever a `CONNECT` at the beginning names: servers that tell absolute URLs are reached
    /// through `HTTPS_PROXY`.
    pub(crate) fn to(target: SocketAddr, round_trip: Duration) -> Self {
        let runtime =
            tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        let listener = runtime.block_on(TcpListener::bind("127.0.0.1:0")).unwrap();
        let address = listener.local_addr().unwrap();
        let connections = Arc::new(AtomicUsize::new(0));
        let counter = Arc::clone(&connections);
        runtime.spawn(async move {
            while let Ok((near, _)) = listener.accept().await {
                counter.fetch_add(1, Ordering::Relaxed);
                tokio::spawn(connect(near, target, round_trip));
            }
        });
        Self { address, connections, _runtime: runtime }
    }

    /// Where it listens.
    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// How many connections there were: as many TLS handshakes, where TLS is spoken.
    pub(crate) fn connections(&self) -> usize {
        self.connections.load(Ordering::Relaxed)
    }
}

async fn connect(mut near: TcpStream, target: SocketAddr, round_trip: Duration) -> std::io::Result<()> {
    let mut head = [0; 7];
    near.peek(&mut head).await?;
    if &head == b"CONNECT" {
        read_head(&mut near).await?;
        near.write_all(b"HTTP/1.1 200 OK\r\n\r\n").await?;
    }
    let far = TcpStream::connect(target).await?;
    near.set_nodelay(true)?;
    far.set_nodelay(true)?;
    // Without a proxy, SYN and SYN+ACK would have been under way.
    let established = Instant::now() + round_trip;
    let ((near_read, near_write), (far_read, far_write)) = (near.into_split(), far.into_split());
    tokio::join!(
        carry(near_read, far_write, established, round_trip / 2),
        carry(far_read, near_write, established, round_trip / 2),
    );
    Ok(())
}

/// Reads a request's head, byte by byte, so that nothing after it is taken.
async fn read_head(stream: &mut TcpStream) -> std::io::Result<()> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(stream.read_u8().await?);
    }
    Ok(())
}

/// Carries bytes, each for this long.
async fn carry(mut from: OwnedReadHalf, mut to: OwnedWriteHalf, established: Instant, delay: Duration) {
    let (sender, mut receiver) = mpsc::channel::<(Instant, Vec<u8>)>(PIECES);
    let read = async move {
        let mut buffer = vec![0; 16_384];
        while let Ok(length @ 1..) = from.read(&mut buffer).await {
            let due = Instant::now().max(established) + delay;
            if sender.send((due, buffer[..length].to_vec())).await.is_err() {
                break;
            }
        }
    };
    let write = async move {
        while let Some((due, piece)) = receiver.recv().await {
            tokio::time::sleep_until(due).await;
            if to.write_all(&piece).await.is_err() {
                break;
            }
        }
        let _ = to.shutdown().await;
    };
    tokio::join!(read, write);
}
