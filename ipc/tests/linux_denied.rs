//! What is denied stays denied, however a program that may write to the folder moves it about.
#![cfg(target_os = "linux")]

use std::fs;
use std::os::unix::fs::symlink;
use std::os::unix::net::UnixListener;
use std::path::PathBuf;

use plugnet_ipc::{DeniedFolders, Error, GrantError, Grants, Rights, Socket};

/// A folder that is granted with all that is in it, but for what is denied.
struct Ground {
    folder: tempfile::TempDir,
    grants: Grants,
}

impl Ground {
    /// Grants the folder. Nothing is in it yet.
    fn new() -> Ground {
        let mut ground = Ground {
            folder: tempfile::tempdir().unwrap(),
            grants: Grants::new(),
        };
        ground.grants.set_denied_folders(DeniedFolders::Watched);
        let all = format!("{}/", ground.folder.path().display());
        ground
            .grants
            .allow(&all.parse().unwrap(), Rights::ALL)
            .unwrap();
        ground
    }

    fn at(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn socket(&self, name: &str) -> UnixListener {
        UnixListener::bind(self.at(name)).unwrap()
    }

    fn deny(&mut self, name: &str) {
        let denied = format!("{}/{name}", self.folder.path().display());
        self.grants
            .deny(&denied.parse().unwrap(), Rights::ALL)
            .unwrap();
    }

    async fn connect(&self, name: &str) -> Result<Socket, Error> {
        Socket::connect(&self.grants, self.at(name).to_str().unwrap()).await
    }

    #[track_caller]
    fn is_denied(result: Result<Socket, Error>) {
        let error = result.expect_err("it was reached");
        assert!(matches!(error, Error::Denied { .. }), "{error:?}");
    }
}

/// A denied socket stays denied under a new name, in the folder and in another.
#[tokio::test]
async fn a_renamed_socket_stays_denied() {
    let mut ground = Ground::new();
    let _admin = ground.socket("admin.sock");
    let _other = ground.socket("other.sock");
    fs::create_dir(ground.at("below")).unwrap();
    ground.deny("admin.sock");
    fs::rename(ground.at("admin.sock"), ground.at("mine.sock")).unwrap();
    Ground::is_denied(ground.connect("mine.sock").await);
    fs::rename(ground.at("mine.sock"), ground.at("below/mine.sock")).unwrap();
    Ground::is_denied(ground.connect("below/mine.sock").await);
    ground.connect("other.sock").await.unwrap();
}

/// A hard link to a denied socket is denied, also when the first name is gone.
#[tokio::test]
async fn a_linked_socket_stays_denied() {
    let mut ground = Ground::new();
    let _admin = ground.socket("admin.sock");
    ground.deny("admin.sock");
    fs::hard_link(ground.at("admin.sock"), ground.at("mine.sock")).unwrap();
    Ground::is_denied(ground.connect("mine.sock").await);
    fs::remove_file(ground.at("admin.sock")).unwrap();
    Ground::is_denied(ground.connect("mine.sock").await);
}

/// Two denied sockets that change names are both denied, and another one that takes a denied name
/// is, too.
#[tokio::test]
async fn exchanged_names_are_denied() {
    let mut ground = Ground::new();
    let _admin = ground.socket("admin.sock");
    let _other = ground.socket("other.sock");
    ground.deny("admin.sock");
    fs::rename(ground.at("admin.sock"), ground.at("x")).unwrap();
    fs::rename(ground.at("other.sock"), ground.at("admin.sock")).unwrap();
    fs::rename(ground.at("x"), ground.at("other.sock")).unwrap();
    Ground::is_denied(ground.connect("admin.sock").await);
    Ground::is_denied(ground.connect("other.sock").await);
}

/// A socket in a folder that was renamed, or that is in one, stays denied by its folder.
#[tokio::test]
async fn a_renamed_folder_stays_denied() {
    let mut ground = Ground::new();
    fs::create_dir_all(ground.at("app/private")).unwrap();
    let _admin = ground.socket("app/admin.sock");
    let _in_private = ground.socket("app/private/a.sock");
    ground.deny("app/admin.sock");
    ground.deny("app/private/");
    fs::rename(ground.at("app"), ground.at("mine")).unwrap();
    Ground::is_denied(ground.connect("mine/admin.sock").await);
    Ground::is_denied(ground.connect("mine/private/a.sock").await);
    fs::rename(ground.at("mine/private"), ground.at("public")).unwrap();
    Ground::is_denied(ground.connect("public/a.sock").await);
    // A folder that takes the name is denied as well.
    fs::create_dir_all(ground.at("app/private")).unwrap();
    let _new = ground.socket("app/private/b.sock");
    Ground::is_denied(ground.connect("app/private/b.sock").await);
}

/// A socket that is moved or linked out of a denied folder stays denied: one that was there when it
/// was denied, at a depth too, and one that a program was told of in between.
#[tokio::test]
async fn what_is_moved_out_of_a_denied_folder_stays_denied() {
    let mut ground = Ground::new();
    fs::create_dir_all(ground.at("private/deep")).unwrap();
    let _first = ground.socket("private/a.sock");
    let _deep = ground.socket("private/deep/b.sock");
    let _other = ground.socket("other.sock");
    ground.deny("private/");
    fs::rename(ground.at("private/a.sock"), ground.at("a.sock")).unwrap();
    fs::rename(ground.at("private/deep/b.sock"), ground.at("b.sock")).unwrap();
    Ground::is_denied(ground.connect("a.sock").await);
    Ground::is_denied(ground.connect("b.sock").await);
    let _later = ground.socket("private/c.sock");
    Ground::is_denied(ground.connect("private/c.sock").await);
    fs::hard_link(ground.at("private/c.sock"), ground.at("linked.sock")).unwrap();
    Ground::is_denied(ground.connect("linked.sock").await);
    fs::rename(ground.at("private/c.sock"), ground.at("c.sock")).unwrap();
    Ground::is_denied(ground.connect("c.sock").await);
    ground.connect("other.sock").await.unwrap();
}

/// A hard link out of a denied folder is denied, though nobody watches the folder.
#[tokio::test]
async fn a_link_out_of_a_folder_is_denied() {
    let mut ground = Ground::new();
    ground.grants.set_denied_folders(DeniedFolders::Known);
    fs::create_dir(ground.at("private")).unwrap();
    let _first = ground.socket("private/a.sock");
    let _twice = ground.socket("b.sock");
    fs::hard_link(ground.at("b.sock"), ground.at("c.sock")).unwrap();
    ground.deny("private/");
    fs::hard_link(ground.at("private/a.sock"), ground.at("a.sock")).unwrap();
    Ground::is_denied(ground.connect("a.sock").await);
    ground.connect("b.sock").await.unwrap();
    ground.connect("c.sock").await.unwrap();
}

/// A socket that its server makes anew is denied, though the program moves it before it connects:
/// the system tells where it was made. So is one that was not there at the start.
#[tokio::test]
async fn a_socket_that_is_made_anew_is_denied() {
    let mut ground = Ground::new();
    let first = ground.socket("admin.sock");
    fs::create_dir(ground.at("private")).unwrap();
    ground.deny("admin.sock");
    ground.deny("later.sock");
    ground.deny("private/");
    drop(first);
    fs::remove_file(ground.at("admin.sock")).unwrap();
    for (made, moved) in [
        ("admin.sock", "a.sock"),
        ("later.sock", "b.sock"),
        ("private/c.sock", "c.sock"),
    ] {
        let _again = ground.socket(made);
        fs::rename(ground.at(made), ground.at(moved)).unwrap();
        Ground::is_denied(ground.connect(moved).await);
    }
}

/// A later socket is not denied for the number that a denied one had.
#[tokio::test]
async fn another_socket_is_not_denied() {
    let mut ground = Ground::new();
    let admin = ground.socket("admin.sock");
    ground.deny("admin.sock");
    drop(admin);
    fs::remove_file(ground.at("admin.sock")).unwrap();
    for number in 0..64 {
        let name = format!("{number}.sock");
        let _other = ground.socket(&name);
        ground.connect(&name).await.unwrap();
        fs::remove_file(ground.at(&name)).unwrap();
    }
}

/// What a denied link leads to is denied.
#[tokio::test]
async fn what_a_denied_link_leads_to_is_denied() {
    let mut ground = Ground::new();
    let _admin = ground.socket("admin.sock");
    symlink("admin.sock", ground.at("link.sock")).unwrap();
    ground.deny("link.sock");
    Ground::is_denied(ground.connect("admin.sock").await);
}

/// A program that keeps putting other sockets under a denied name does not make it forgotten: when
/// there are too many to remember, everything is denied.
#[tokio::test]
async fn what_cannot_be_remembered_is_denied() {
    let mut ground = Ground::new();
    let _admin = ground.socket("admin.sock");
    let _other = ground.socket("other.sock");
    ground.deny("admin.sock");
    fs::rename(ground.at("admin.sock"), ground.at("mine.sock")).unwrap();
    for _ in 0..5000 {
        fs::write(ground.at("admin.sock"), "").unwrap();
        ground.connect("none.sock").await.unwrap_err();
        fs::remove_file(ground.at("admin.sock")).unwrap();
    }
    Ground::is_denied(ground.connect("mine.sock").await);
    Ground::is_denied(ground.connect("other.sock").await);
}

/// A watched folder with more in it than can be looked at with every connect is refused, and one
/// that grows so denies all.
#[tokio::test]
async fn a_folder_that_is_too_large_is_refused() {
    let mut ground = Ground::new();
    fs::create_dir(ground.at("private")).unwrap();
    for number in 0..4096 {
        fs::write(ground.at(&format!("private/{number}")), "").unwrap();
    }
    let _other = ground.socket("other.sock");
    ground.deny("private/");
    ground.connect("other.sock").await.unwrap();
    fs::write(ground.at("private/more"), "").unwrap();
    let denied = format!("{}/private/", ground.folder.path().display());
    let error = ground
        .grants
        .deny(&denied.parse().unwrap(), Rights::ALL)
        .unwrap_err();
    assert!(matches!(error, GrantError::TooLarge { .. }), "{error:?}");
    assert!(error.to_string().contains(&denied), "{error}");
    Ground::is_denied(ground.connect("other.sock").await);
}
