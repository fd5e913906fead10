//! The rules of Linux's paths, each checked against what Node.js 20 answers on the same
//! machine; where we mean to differ, the test says so.

#![cfg(target_os = "linux")]

mod listening;
mod place;
mod talk;

use std::fs;
use std::os::linux::net::SocketAddrExt;
use std::os::unix::fs::{FileTypeExt, MetadataExt, PermissionsExt, symlink};
use std::os::unix::net::{SocketAddr, UnixDatagram, UnixListener, UnixStream};
use std::path::Path;
use std::time::{Duration, Instant};

use listening::Listening;
use place::allow;
use plugnet_ipc::{
    Code, Error, Escape, GrantError, Grants, ListenOptions, Listener, Resolution, Rights, Socket,
    SocketFiles,
};
use talk::{accept, pair, read_exactly, write_all};
use tempfile::TempDir;

const BOTH: [Resolution; 2] = [Resolution::Kernel, Resolution::Walk];

/// A folder, its path with a `/`, and the grant of it.
fn folder(resolution: Resolution) -> (TempDir, String, Grants) {
    let folder = tempfile::tempdir().unwrap();
    let path = format!("{}/", folder.path().to_str().unwrap());
    let mut grants = granted(&path);
    grants.set_resolution(resolution);
    (folder, path, grants)
}

fn granted(grant: &str) -> Grants {
    allow(&[(grant.parse().unwrap(), Rights::ALL)])
}

fn bind(grants: &Grants, path: &str) -> Result<Listener, Error> {
    Listener::bind(grants, path, &ListenOptions::default())
}

fn listen_code(grants: &Grants, path: &str) -> Code {
    bind(grants, path).unwrap_err().code()
}

async fn connect_code(grants: &Grants, path: &str) -> Code {
    Socket::connect(grants, path).await.unwrap_err().code()
}

/// What is in a folder, in order.
fn names(folder: &Path) -> Vec<String> {
    let mut names: Vec<_> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

/// Runs something as a user without privileges: on a thread of its own, whose user alone
/// changes. Who has none to begin with runs it as it is.
fn unprivileged<T: Send>(run: impl FnOnce() -> T + Send) -> T {
    if !rustix::process::geteuid().is_root() {
        return run();
    }
    std::thread::scope(|scope| {
        scope
            .spawn(|| {
                let nobody = rustix::thread::Uid::from_raw(65534);
                rustix::thread::set_thread_res_uid(nobody, nobody, nobody).unwrap();
                run()
            })
            .join()
            .unwrap()
    })
}

/// Has a test run in a process of its own, which is in `folder`: whether that was done here, or
/// this is that process.
fn runs_alone(test: &str, folder: &Path) -> bool {
    const ALONE: &str = "PLUGNET_TEST_ALONE";
    if std::env::var_os(ALONE).is_some() {
        return false;
    }
    let child = std::process::Command::new(std::env::current_exe().unwrap())
        .args(["--exact", test])
        .current_dir(folder)
        .env(ALONE, "1")
        .output()
        .unwrap();
    assert!(child.status.success(), "{child:?}");
    true
}

/// C22: a missing socket and a missing folder are ENOENT; a plain file, a folder and a device
/// are ECONNREFUSED; a file in the place of a folder is ENOTDIR; a socket for datagrams is
/// EPROTOTYPE.
#[tokio::test]
async fn what_connect_says_of_what_is_there() {
    for resolution in BOTH {
        let (folder, path, grants) = folder(resolution);
        fs::write(folder.path().join("plain"), "x").unwrap();
        fs::create_dir(folder.path().join("dir")).unwrap();
        let _datagram = UnixDatagram::bind(folder.path().join("datagram")).unwrap();
        drop(UnixListener::bind(folder.path().join("stale")).unwrap());
        let _live = UnixListener::bind(folder.path().join("live")).unwrap();
        for (name, code) in [
            ("missing", Code::NotFound),
            ("none/missing", Code::NotFound),
            ("plain", Code::ConnectionRefused),
            ("stale", Code::ConnectionRefused),
            ("dir", Code::ConnectionRefused),
            ("dir/", Code::ConnectionRefused),
            // A grant of a folder is one of what is in it.
            ("", Code::AccessDenied),
            ("plain/missing", Code::NotADirectory),
            ("live/", Code::NotADirectory),
            ("live/.", Code::NotADirectory),
            ("datagram", Code::WrongType),
        ] {
            let got = connect_code(&grants, &format!("{path}{name}")).await;
            assert_eq!(got, code, "{name} {resolution:?}");
        }
    }
}

/// S14: whatever is there already is EADDRINUSE, a stale socket and a dangling link included,
/// and stays; a missing folder is EACCES, as libuv has it; a file in the place of a folder is
/// ENOTDIR.
#[tokio::test]
async fn what_listen_says_of_what_is_there() {
    for resolution in BOTH {
        let (folder, path, grants) = folder(resolution);
        fs::write(folder.path().join("plain"), "x").unwrap();
        fs::create_dir(folder.path().join("dir")).unwrap();
        symlink("nowhere", folder.path().join("dangling")).unwrap();
        symlink("plain", folder.path().join("link")).unwrap();
        drop(UnixListener::bind(folder.path().join("stale")).unwrap());
        let _live = UnixListener::bind(folder.path().join("live")).unwrap();
        let before = names(folder.path());
        for (name, code) in [
            ("plain", Code::AddressInUse),
            ("stale", Code::AddressInUse),
            ("live", Code::AddressInUse),
            ("live/", Code::AddressInUse),
            ("dir", Code::AddressInUse),
            ("dir/", Code::AddressInUse),
            ("", Code::AccessDenied),
            ("dangling", Code::AddressInUse),
            ("link", Code::AddressInUse),
            ("none/new", Code::AccessDenied),
            ("new/", Code::AccessDenied),
            ("plain/new", Code::NotADirectory),
        ] {
            let got = listen_code(&grants, &format!("{path}{name}"));
            assert_eq!(got, code, "{name} {resolution:?}");
        }
        assert_eq!(names(folder.path()), before);
        assert_eq!(fs::read(folder.path().join("plain")).unwrap(), b"x");
    }
}

/// A folder that one may not write to is EACCES on listen, and a socket that one may not write
/// to is EACCES on connect.
#[test]
fn what_the_system_does_not_permit() {
    let (folder, path, grants) = folder(Resolution::Kernel);
    let mode = |path: &Path, mode| fs::set_permissions(path, fs::Permissions::from_mode(mode));
    let socket = folder.path().join("theirs");
    let _listener = UnixListener::bind(&socket).unwrap();
    mode(&socket, 0o500).unwrap();
    mode(folder.path(), 0o555).unwrap();
    let (listen, connect) = unprivileged(|| {
        talk::runtime().block_on(async {
            (
                listen_code(&grants, &format!("{path}new")),
                connect_code(&grants, &format!("{path}theirs")).await,
            )
        })
    });
    mode(folder.path(), 0o755).unwrap();
    assert_eq!(listen, Code::AccessDenied);
    assert_eq!(connect, Code::AccessDenied);
}

/// `.` and doubled slashes mean nothing, in grants and in paths.
#[tokio::test]
async fn paths_are_normalised() {
    for resolution in BOTH {
        let (folder, path, grants) = folder(resolution);
        fs::create_dir(folder.path().join("sub")).unwrap();
        let listener = bind(&grants, &format!("/{path}/sub/.//a.sock")).unwrap();
        assert!(
            fs::metadata(folder.path().join("sub/a.sock"))
                .unwrap()
                .file_type()
                .is_socket()
        );
        pair(&grants, &listener, &format!("{path}./sub//a.sock")).await;
    }
}

/// A relative grant is for relative paths, and an absolute one for absolute paths: a program's
/// path is what it spells, not where the host's process happens to be. In a process of its own,
/// which is in a temporary folder.
#[test]
fn relative_is_not_absolute() {
    let folder = tempfile::tempdir().unwrap();
    if runs_alone("relative_is_not_absolute", folder.path()) {
        return;
    }
    talk::runtime().block_on(async {
        let here = std::env::current_dir().unwrap();
        for (grant, path) in [
            ("a.sock", "./a.sock"),
            ("./", "a.sock"),
            ("./a.sock", "a.sock"),
        ] {
            let grants = granted(grant);
            let listener = bind(&grants, path).unwrap();
            assert_eq!(names(&here), ["a.sock"]);
            let absolute = here.join("a.sock");
            for path in [absolute.to_str().unwrap(), "/a.sock"] {
                let code = connect_code(&grants, path).await;
                assert_eq!(code, Code::AccessDenied, "{grant} {path}");
            }
            drop(listener);
        }
    });
}

/// S34: a path longer than 107 bytes is EINVAL at once, for listen and connect, granted or not,
/// by file or abstract; one of 107 works. Node.js 20 cuts it short; Node.js 25 does this.
#[tokio::test]
async fn a_path_of_107_bytes_is_the_longest() {
    let (_folder, path, grants) = folder(Resolution::Kernel);
    let longest = format!("{path}{}", "x".repeat(107 - path.len()));
    let listener = bind(&grants, &longest).unwrap();
    pair(&grants, &listener, &longest).await;
    let unique = format!("plugnet-{}-", std::process::id());
    let abstract_grants = granted(&format!("@{unique}/"));
    let abstract_name = |length: usize| {
        let start = format!("\0{unique}/");
        format!("{start}{}", "x".repeat(length + 1 - start.len()))
    };
    let listener = bind(&abstract_grants, &abstract_name(107)).unwrap();
    pair(&abstract_grants, &listener, &abstract_name(107)).await;
    for (grants, path) in [
        (&grants, format!("{longest}x")),
        (&Grants::new(), format!("{longest}x")),
        (&abstract_grants, abstract_name(108)),
        (&Grants::new(), abstract_name(108)),
    ] {
        assert_eq!(listen_code(grants, &path), Code::InvalidArgument);
        assert_eq!(connect_code(grants, &path).await, Code::InvalidArgument);
    }
}

/// The limit is for the path as the program names it: where the host's path is longer, the
/// socket is made and found all the same. Other programs cannot name it, which is theirs to
/// mind.
#[tokio::test]
async fn the_hosts_path_may_be_longer() {
    let folder = tempfile::tempdir().unwrap();
    let deep = folder.path().join("d".repeat(200));
    fs::create_dir(&deep).unwrap();
    let name = "n".repeat(103);
    let grants = granted(&format!("{}/::/r/", deep.to_str().unwrap()));
    let listener = bind(&grants, &format!("/r/{name}")).unwrap();
    assert_eq!(names(&deep), [name.as_str()]);
    let (client, server) = pair(&grants, &listener, &format!("/r/{name}")).await;
    write_all(&client, b"x").await.unwrap();
    assert_eq!(read_exactly(&server, 1).await, b"x");
}

/// S32: the mode is 0777 without the umask's bits; with `readable_all` or `writable_all` it is theirs
/// alone, whatever the umask. In processes of their own: the umask is the process's.
#[test]
fn modes() {
    const CHILD: &str = "PLUGNET_TEST_UMASK";
    let Ok(umask) = std::env::var(CHILD) else {
        for umask in ["000", "022", "077"] {
            let child = std::process::Command::new("sh")
                .arg("-c")
                .arg(format!("umask {umask}; exec \"$0\" --exact modes"))
                .arg(std::env::current_exe().unwrap())
                .env(CHILD, umask)
                .output()
                .unwrap();
            assert!(child.status.success(), "{child:?}");
        }
        return;
    };
    let runtime = talk::runtime();
    let _entered = runtime.enter();
    let (folder, path, grants) = folder(Resolution::Kernel);
    let base = 0o777 & !u32::from_str_radix(&umask, 8).unwrap();
    for (readable_all, writable_all, mode) in [
        (false, false, base),
        (true, false, 0o444),
        (false, true, 0o222),
        (true, true, 0o666),
    ] {
        let options = ListenOptions {
            readable_all,
            writable_all,
            ..ListenOptions::default()
        };
        let _listener = Listener::bind(&grants, &format!("{path}m.sock"), &options).unwrap();
        let metadata = fs::metadata(folder.path().join("m.sock")).unwrap();
        assert_eq!(
            metadata.mode() & 0o7777,
            mode,
            "umask {umask}, readable {readable_all}, writable {writable_all}"
        );
    }
}

/// Making a socket leaves nothing but the socket in the folder, and dropping it nothing at all.
#[tokio::test]
async fn a_listener_leaves_nothing_behind() {
    let (folder, path, grants) = folder(Resolution::Kernel);
    let listener = bind(&grants, &format!("{path}a.sock")).unwrap();
    assert_eq!(names(folder.path()), ["a.sock"]);
    drop(listener);
    assert!(names(folder.path()).is_empty());
}

/// A socket takes connections from the moment it has its name: who finds it is never refused.
#[tokio::test]
async fn a_socket_listens_before_it_can_be_found() {
    const COUNT: usize = 300;
    let (folder, path, grants) = folder(Resolution::Kernel);
    std::thread::scope(|scope| {
        let looking = scope.spawn(|| {
            for number in 0..COUNT {
                let socket = folder.path().join(number.to_string());
                let until = Instant::now() + Duration::from_secs(10);
                loop {
                    match UnixStream::connect(&socket) {
                        Ok(_) => break,
                        Err(error) => assert_eq!(error.kind(), std::io::ErrorKind::NotFound),
                    }
                    assert!(Instant::now() < until, "{number} does not come");
                }
            }
        });
        let listeners: Vec<_> = (0..COUNT)
            .map(|number| bind(&grants, &format!("{path}{number}")).unwrap())
            .collect();
        looking.join().unwrap();
        drop(listeners);
    });
}

/// A socket left by a process that was killed is in use until somebody removes it.
#[tokio::test]
async fn a_crashed_listeners_socket_stays() {
    let (folder, path, grants) = folder(Resolution::Kernel);
    // The standard library never removes the file: it is as after a crash.
    drop(UnixListener::bind(folder.path().join("a.sock")).unwrap());
    assert_eq!(
        listen_code(&grants, &format!("{path}a.sock")),
        Code::AddressInUse
    );
    fs::remove_file(folder.path().join("a.sock")).unwrap();
    bind(&grants, &format!("{path}a.sock")).unwrap();
}

/// An abstract name is a leading NUL for programs and `@` for grants; it has no file, is free
/// when its listener goes, and is found by others under the same bytes.
#[tokio::test]
async fn abstract_names() {
    let name = format!("plugnet-test-{}", std::process::id());
    let grants = granted(&format!("@{name}"));
    let path = format!("\0{name}");
    let listener = bind(&grants, &path).unwrap();
    assert_eq!(listen_code(&grants, &path), Code::AddressInUse);
    let address = SocketAddr::from_abstract_name(&name).unwrap();
    let other = UnixStream::connect_addr(&address).unwrap();
    accept(&listener).await.unwrap();
    drop(other);
    pair(&grants, &listener, &path).await;
    drop(listener);
    assert_eq!(connect_code(&grants, &path).await, Code::ConnectionRefused);
    bind(&grants, &path).unwrap();
}

/// `@PREFIX/` grants the names that go on after it, byte by byte: abstract names are no paths.
#[tokio::test]
async fn abstract_prefixes() {
    let unique = format!("plugnet-test-prefix-{}", std::process::id());
    let grants = granted(&format!("@{unique}/"));
    bind(&grants, &format!("\0{unique}/a")).unwrap();
    bind(&grants, &format!("\0{unique}/../a")).unwrap();
    bind(&grants, &format!("\0{unique}/a\0b")).unwrap();
    for name in [
        format!("\0{unique}"),
        format!("\0{unique}/"),
        format!("\0{unique}2/a"),
        format!("\0./{unique}/a"),
        format!("\0/{unique}/a"),
    ] {
        assert_eq!(listen_code(&grants, &name), Code::AccessDenied, "{name:?}");
    }
    let mapped = granted(&format!("@{unique}/::@short/"));
    let listener = bind(&mapped, "\0short/x").unwrap();
    pair(&grants, &listener, &format!("\0{unique}/x")).await;
}

/// A lone NUL is no name: EINVAL.
#[tokio::test]
async fn an_abstract_name_has_a_name() {
    let grants = granted("/");
    assert_eq!(listen_code(&grants, "\0"), Code::InvalidArgument);
    assert_eq!(connect_code(&grants, "\0").await, Code::InvalidArgument);
}

/// Connecting to a listener whose queue is full is EAGAIN, as in Node.js; it is not waited for.
#[tokio::test]
async fn a_full_queue_is_eagain() {
    let (_folder, path, grants) = folder(Resolution::Kernel);
    let path = format!("{path}a.sock");
    let options = ListenOptions {
        backlog: 1,
        ..ListenOptions::default()
    };
    let listener = Listener::bind(&grants, &path, &options).unwrap();
    // Linux takes one more than the backlog.
    let _first = Socket::connect(&grants, &path).await.unwrap();
    let _second = Socket::connect(&grants, &path).await.unwrap();
    assert_eq!(connect_code(&grants, &path).await, Code::WouldBlock);
    accept(&listener).await.unwrap();
    Socket::connect(&grants, &path).await.unwrap();
}

/// A path below a granted folder is reached through folders, however deep.
#[tokio::test]
async fn a_folder_is_granted_with_its_folders() {
    for resolution in BOTH {
        let (folder, path, grants) = folder(resolution);
        fs::create_dir_all(folder.path().join("a/b/c")).unwrap();
        let listener = bind(&grants, &format!("{path}a/b/c/d.sock")).unwrap();
        pair(&grants, &listener, &format!("{path}a/b/c/d.sock")).await;
        drop(listener);
        assert!(names(&folder.path().join("a/b/c")).is_empty());
    }
}

/// The path to a granted folder may have symbolic links and `..`: it is the user's own.
#[tokio::test]
async fn a_grants_own_links_are_followed_once() {
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir(folder.path().join("real")).unwrap();
    symlink("real", folder.path().join("link")).unwrap();
    let root = folder.path().to_str().unwrap();
    for grant in [format!("{root}/link/"), format!("{root}/link/a.sock")] {
        let grants = granted(&grant);
        let path = format!("{}/a.sock", grant.trim_end_matches("/a.sock"));
        let _listener = bind(&grants, &path).unwrap();
        assert_eq!(names(&folder.path().join("real")), ["a.sock"], "{grant}");
    }
}

/// A grant whose folder is missing, or that says folder for a socket or the reverse, is refused
/// when it is granted, and the error says what to do.
#[test]
fn grants_that_cannot_be() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path().to_str().unwrap();
    let _socket = UnixListener::bind(folder.path().join("a.sock")).unwrap();
    let refused = |grant: String| {
        Grants::new()
            .allow(&grant.parse().unwrap(), Rights::ALL)
            .unwrap_err()
    };
    for missing in ["none/", "none/a.sock"] {
        let error = refused(format!("{root}/{missing}"));
        assert!(matches!(error, GrantError::Folder { .. }), "{error:?}");
        assert!(error.to_string().contains("none"), "{error}");
    }
    let error = refused(format!("{root}/a.sock/")).to_string();
    assert!(error.contains("without the last `/`"), "{error}");
    let error = refused(root.to_owned()).to_string();
    assert!(error.contains("with a `/` at its end"), "{error}");
    let error = refused(r"\\.\pipe\app".to_owned());
    assert!(
        matches!(error, GrantError::NotOnThisSystem { .. }),
        "{error:?}"
    );
}

/// A denial needs no folder; it holds when the folder comes, also under another name.
#[tokio::test]
async fn a_denied_folder_may_be_missing() {
    let (folder, path, mut grants) = folder(Resolution::Kernel);
    grants
        .allow(&format!("{path}::/other/").parse().unwrap(), Rights::ALL)
        .unwrap();
    grants
        .deny(&format!("{path}later/").parse().unwrap(), Rights::ALL)
        .unwrap();
    fs::create_dir(folder.path().join("later")).unwrap();
    for path in [&path, "/other/"] {
        let error = bind(&grants, &format!("{path}later/a.sock")).unwrap_err();
        assert!(matches!(error, Error::Denied { .. }), "{error:?}");
        bind(&grants, &format!("{path}a.sock")).unwrap();
    }
}

/// What listen and connect open does not outlive an exec: no descriptor is inherited.
#[tokio::test]
async fn descriptors_are_not_inherited() {
    const CLOEXEC: u32 = 0o2_000_000;
    let (_folder, path, grants) = folder(Resolution::Kernel);
    let listener = bind(&grants, &format!("{path}a.sock")).unwrap();
    let (_client, _server) = pair(&grants, &listener, &format!("{path}a.sock")).await;
    let mut sockets = 0;
    for entry in fs::read_dir("/proc/self/fd").unwrap().flatten() {
        let number = entry.file_name().into_string().unwrap();
        let is_ours = fs::read_link(entry.path()).is_ok_and(|target| {
            let target = target.to_string_lossy().into_owned();
            target.starts_with("socket:") || target.contains(path.trim_end_matches('/'))
        });
        // Descriptors 0 to 2 are whoever started the test's.
        if !is_ours || number.parse::<u32>().unwrap() < 3 {
            continue;
        }
        let Ok(info) = fs::read_to_string(format!("/proc/self/fdinfo/{number}")) else {
            continue;
        };
        let flags = info
            .lines()
            .find_map(|line| line.strip_prefix("flags:"))
            .unwrap();
        let flags = u32::from_str_radix(flags.trim(), 8).unwrap();
        assert!(flags & CLOEXEC != 0, "descriptor {number}");
        sockets += 1;
    }
    assert!(sockets >= 3, "{sockets}");
}

/// Without a free descriptor accept is EMFILE, the connection still waits, and it is accepted
/// later. In a process of its own: the limit is the process's.
#[test]
fn accept_survives_too_many_files() {
    if runs_alone("accept_survives_too_many_files", Path::new(".")) {
        return;
    }
    talk::runtime().block_on(async {
        let Listening {
            listener,
            grants,
            path,
            ..
        } = &Listening::new();
        let client = Socket::connect(grants, path).await.unwrap();
        rustix::process::setrlimit(
            rustix::process::Resource::Nofile,
            rustix::process::Rlimit {
                current: Some(64),
                maximum: Some(64),
            },
        )
        .unwrap();
        let mut files = Vec::new();
        while let Ok(file) = fs::File::open("/dev/null") {
            files.push(file);
        }
        let error = accept(listener).await.unwrap_err();
        assert_eq!(Code::of(&error), Code::TooManyFiles);
        assert_eq!(connect_code(grants, path).await, Code::TooManyFiles);
        assert_eq!(listen_code(grants, &format!("{path}2")), Code::TooManyFiles);
        files.truncate(files.len() - 8);
        let server = accept(listener).await.unwrap();
        write_all(&client, b"x").await.unwrap();
        assert_eq!(read_exactly(&server, 1).await, b"x");
    });
}

/// Descriptors that a peer sends along are dropped, not collected, and the data around them
/// arrives without waiting for more.
#[tokio::test]
async fn descriptors_sent_along_are_dropped() {
    use rustix::net::{SendAncillaryBuffer, SendAncillaryMessage, SendFlags};
    use std::io::IoSlice;
    use std::os::fd::AsFd;

    let listening = Listening::new();
    let peer = UnixStream::connect(&listening.path).unwrap();
    let server = accept(&listening.listener).await.unwrap();
    let file = tempfile::NamedTempFile::new().unwrap();
    let opened = || {
        fs::read_dir("/proc/self/fd")
            .unwrap()
            .flatten()
            .filter(|entry| fs::read_link(entry.path()).is_ok_and(|to| to == file.path()))
            .count()
    };
    for _ in 0..3 {
        let files = [file.as_fd()];
        let mut space = [std::mem::MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
        let mut along = SendAncillaryBuffer::new(&mut space);
        assert!(along.push(SendAncillaryMessage::ScmRights(&files)));
        rustix::net::sendmsg(
            &peer,
            &[IoSlice::new(b"ab")],
            &mut along,
            SendFlags::empty(),
        )
        .unwrap();
    }
    assert_eq!(read_exactly(&server, 6).await, b"ababab");
    assert_eq!(opened(), 1);
}

/// After the end of writing the peer reads the end, and can still answer: UNIX sockets are
/// half-open, as TCP's are. (Named pipes are not.)
#[tokio::test]
async fn half_open() {
    let listening = Listening::new();
    let (client, server) = listening.pair().await;
    write_all(&client, b"question").await.unwrap();
    client.shutdown_write().unwrap();
    assert_eq!(talk::read_to_end(&server).await.unwrap(), b"question");
    tokio::time::sleep(Duration::from_millis(200)).await;
    write_all(&server, b"answer").await.unwrap();
    assert_eq!(read_exactly(&client, 6).await, b"answer");
}

/// A peer that goes without reading is ECONNRESET once, as in Node.js.
#[tokio::test]
async fn unread_data_resets() {
    let listening = Listening::new();
    let (client, server) = listening.pair().await;
    write_all(&client, b"unread").await.unwrap();
    drop(server);
    let error = talk::read(&client, &mut [0; 16]).await.unwrap_err();
    assert_eq!(Code::of(&error), Code::ConnectionReset);
}

/// Writing to a peer that has gone is EPIPE also in a process that did not ask to be spared
/// SIGPIPE, which would end it. In a process of its own: what a signal does is the process's.
#[test]
fn no_signal() {
    if runs_alone("no_signal", Path::new(".")) {
        return;
    }
    // SAFETY: no handler is installed; the signal gets back what it does by itself.
    unsafe { libc::signal(libc::SIGPIPE, libc::SIG_DFL) };
    talk::runtime().block_on(async {
        let listening = Listening::new();
        let (client, server) = listening.pair().await;
        drop(server);
        let error = write_all(&client, b"x").await.unwrap_err();
        assert_eq!(Code::of(&error), Code::ConnectionBroken);
    });
}

/// P11: a UNIX socket has no addresses.
#[tokio::test]
async fn a_unix_socket_has_no_addresses() {
    let listening = Listening::new();
    let (client, server) = listening.pair().await;
    assert_eq!(listening.listener.local_address(), None);
    for socket in [client, server] {
        assert_eq!(
            (socket.local_address(), socket.peer_address()),
            (None, None)
        );
    }
}

/// A symbolic link at the end of a path is refused with its reason: an exact grant's as well.
#[tokio::test]
async fn the_error_names_the_way_out() {
    let (folder, path, grants) = folder(Resolution::Kernel);
    symlink("elsewhere", folder.path().join("link")).unwrap();
    for grants in [&grants, &granted(&format!("{path}link"))] {
        let error = Socket::connect(grants, &format!("{path}link"))
            .await
            .unwrap_err();
        let Error::Escape { way, grant, .. } = &error else {
            panic!("{error:?}");
        };
        assert_eq!(*way, Escape::SymbolicLink);
        assert!(error.to_string().contains(grant.as_str()), "{error}");
        assert!(error.to_string().contains("symbolic link"), "{error}");
    }
}

/// A process that ends around its listeners removes their files: those of its own grants, and no
/// other that has come to their place. Then no more are made, and dropping the listeners later
/// changes nothing.
#[tokio::test]
async fn files_are_removed_without_their_listeners() {
    let (folder, path, mut grants) = folder(Resolution::Kernel);
    let files = SocketFiles::new();
    grants.set_socket_files(files.clone());
    let others = granted(&path);
    let listeners = ["a", "b", "swapped"].map(|name| bind(&grants, &format!("{path}{name}")));
    let other = bind(&others, &format!("{path}other")).unwrap();
    fs::remove_file(folder.path().join("swapped")).unwrap();
    fs::write(folder.path().join("swapped"), "somebody else's").unwrap();

    files.remove(Duration::from_secs(10));
    assert_eq!(names(folder.path()), ["other", "swapped"]);
    assert_eq!(
        listen_code(&grants, &format!("{path}c")),
        Code::AccessDenied
    );
    let another = bind(&others, &format!("{path}a")).unwrap();
    drop(listeners);
    assert_eq!(names(folder.path()), ["a", "other", "swapped"]);
    drop((other, another));
    assert_eq!(names(folder.path()), ["swapped"]);
}

/// A listener that is dropped is not kept for those who would remove its file: what is there
/// later under its name stays.
#[tokio::test]
async fn a_dropped_listener_has_no_file_to_remove() {
    let (folder, path, mut grants) = folder(Resolution::Kernel);
    let files = SocketFiles::new();
    grants.set_socket_files(files.clone());
    for _ in 0..3 {
        drop(bind(&grants, &format!("{path}a")).unwrap());
    }
    let others = bind(&granted(&path), &format!("{path}a")).unwrap();
    files.remove(Duration::ZERO);
    assert_eq!(names(folder.path()), ["a"]);
    drop(others);
}
