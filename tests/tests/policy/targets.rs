//! What an attack must not reach.

use std::net::{SocketAddr, TcpListener, UdpSocket};
#[cfg(unix)]
use std::os::unix::net::UnixListener;
use std::sync::atomic::{AtomicU32, Ordering};

/// The addresses of loopback at which there is somebody.
const HOSTS: [&str; 3] = ["127.0.0.1", "127.0.0.2", "[::1]"];

/// Sockets of TCP and UDP at two ports of every loopback address, and at paths.
pub struct Targets {
    tcp: Vec<TcpListener>,
    udp: Vec<UdpSocket>,
    #[cfg(unix)]
    paths: Vec<UnixListener>,
    #[cfg(unix)]
    folder: tempfile::TempDir,
    open: u16,
    shut: u16,
    free: [u16; 2],
}

impl Targets {
    pub fn new() -> Self {
        let mut targets = Self {
            tcp: vec![],
            udp: vec![],
            #[cfg(unix)]
            paths: vec![],
            #[cfg(unix)]
            folder: tempfile::tempdir().expect("a temporary folder"),
            open: 0,
            shut: 0,
            free: [free_port(), free_port()],
        };
        targets.open = targets.at_a_port();
        targets.shut = targets.at_a_port();
        #[cfg(unix)]
        targets.at_paths();
        targets
    }

    /// Waits at the same port of all the addresses that this machine has.
    fn at_a_port(&mut self) -> u16 {
        'port: loop {
            let port = free_port();
            let (mut tcp, mut udp) = (vec![], vec![]);
            for host in HOSTS {
                let address: SocketAddr = format!("{host}:{port}").parse().expect("an address");
                match (TcpListener::bind(address), UdpSocket::bind(address)) {
                    (Ok(listener), Ok(socket)) => {
                        listener.set_nonblocking(true).expect("a mode");
                        socket.set_nonblocking(true).expect("a mode");
                        tcp.push(listener);
                        udp.push(socket);
                    }
                    // Another test was faster.
                    _ if has(host) => continue 'port,
                    _ => {}
                }
            }
            self.tcp.extend(tcp);
            self.udp.extend(udp);
            return port;
        }
    }

    /// A socket that is granted and one that is not, and ways from one to the other.
    #[cfg(unix)]
    fn at_paths(&mut self) {
        use std::fs::create_dir;
        use std::os::unix::fs::symlink;

        let folder = self.folder.path();
        for name in ["granted", "granted/below", "granted-not", "other"] {
            create_dir(folder.join(name)).expect("a folder");
        }
        for name in [
            "open.sock",
            "shut.sock",
            "granted/open.sock",
            "granted/shut.sock",
            "granted/below/open.sock",
            "granted-not/shut.sock",
            "other/shut.sock",
        ] {
            let listener = UnixListener::bind(folder.join(name)).expect("a path");
            listener.set_nonblocking(true).expect("a mode");
            self.paths.push(listener);
        }
        for (link, to) in [
            ("granted/link.sock", "../other/shut.sock"),
            ("granted/folder", "../other"),
            ("granted/up", ".."),
        ] {
            symlink(to, folder.join(link)).expect("a link");
        }
        let absolute = folder.join("other/shut.sock");
        symlink(absolute, folder.join("granted/absolute.sock")).expect("a link");
    }

    /// How many connections and datagrams have come since the last time.
    pub fn reached(&self) -> usize {
        let mut count = 0;
        for listener in &self.tcp {
            while listener.accept().is_ok() {
                count += 1;
            }
        }
        for socket in &self.udp {
            while socket.recv(&mut [0; 16]).is_ok() {
                count += 1;
            }
        }
        #[cfg(unix)]
        for listener in &self.paths {
            while listener.accept().is_ok() {
                count += 1;
            }
        }
        count
    }

    /// Puts the ports and the folder where a table has `{open}`, `{shut}`, `{above}` and
    /// `{below}` the first, `{free}`, `{free2}`, and `{dir}`.
    pub fn fill(&self, text: &str) -> String {
        let text = text
            .replace("{open}", &self.open.to_string())
            .replace("{above}", &(self.open + 1).to_string())
            .replace("{below}", &(self.open - 1).to_string())
            .replace("{shut}", &self.shut.to_string())
            .replace("{free}", &self.free[0].to_string())
            .replace("{free2}", &self.free[1].to_string());
        #[cfg(unix)]
        let text = text.replace("{dir}", self.folder.path().to_str().expect("Unicode"));
        text
    }
}

/// Whether this machine has the address: macOS has only one of 127.0.0.0/8, and there are
/// machines without IPv6.
pub fn has(host: &str) -> bool {
    TcpListener::bind(format!("{host}:0")).is_ok()
}

/// A port that nobody has, and that no system gives to those who want any: those begin at 32768
/// or 49152. Every fourth, so that the ports next to it are free, too.
pub fn free_port() -> u16 {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    let first = std::process::id() % 5000;
    loop {
        let next = first + NEXT.fetch_add(1, Ordering::Relaxed);
        let port = u16::try_from(12_000 + next % 5000 * 4).expect("it is one");
        if TcpListener::bind(("127.0.0.1", port)).is_ok() {
            return port;
        }
    }
}
