//! How grants are typed, on every system alike.

use plugnet_ipc::{Error, Grant, GrantError, Grants, ListenOptions, Listener, Rights};
use proptest::prelude::*;

/// Each spelling of the table in `Grant`'s documentation is one, and is shown as typed.
#[test]
fn every_spelling() {
    for typed in [
        "/run/app.sock",
        "app.sock",
        "./@app.sock",
        "../app.sock",
        "/run/",
        "run/",
        "./",
        "../",
        "/",
        "/run/app.sock::/app.sock",
        "/run/app/::/",
        "../app/::run/",
        "@app",
        "@app/",
        "@app/x",
        "@app::@x",
        "@app/::@x/",
        r"\\.\pipe\app",
        r"\\.\pipe\app\",
        r"\\.\pipe\",
        r"\\?\pipe\app",
        r"\\.\PIPE\app",
        "//./pipe/docker_engine",
        r"\\.\pipe\app::\\.\pipe\x",
        r"\\.\pipe\app\::\\.\pipe\",
    ] {
        let grant: Grant = typed.parse().unwrap_or_else(|error| panic!("{error}"));
        assert_eq!(grant.to_string(), typed);
    }
}

/// What is not a grant is refused with the entry as typed, what is wrong, and what to type.
#[test]
fn what_is_not_a_grant() {
    for (typed, problem, correction) in [
        ("", "is empty", "Give a path"),
        ("/run/a\0b", "contains a NUL", "without NUL"),
        ("\0app", "contains a NUL", "`@NAME`"),
        ("/a::/b::/c", "more than one `::`", "HOST::GUEST"),
        ("::", "nothing on one side", "HOST::GUEST"),
        ("::/b", "nothing on one side", "HOST::GUEST"),
        ("/a::", "nothing on one side", "HOST::GUEST"),
        ("/run/::/run", "a folder on one side", "End both with `/`"),
        ("/run::/run/", "a folder on one side", "End both with `/`"),
        ("/run/..", "names the folder `/run/..`", "`/run/../`"),
        ("..", "names the folder `..`", "`../`"),
        (".", "names the folder `.`", "`./`"),
        ("/run/.", "names the folder `/run/.`", "`/run/./`"),
        ("/a::/run/..", "names the folder `/run/..`", "`/run/../`"),
        ("@", "without a name", "`@NAME`"),
        ("@a::@", "without a name", "`@NAME`"),
        ("@a/::@b", "a prefix on one side", "End both"),
        ("@a::/b", "different kinds", "two paths"),
        (r"/a::\\.\pipe\b", "different kinds", "two paths"),
        (
            r"\\.\pipe\a\::\\.\pipe\b",
            "a prefix on one side",
            "End both",
        ),
        (r"\\.\pipe\..\a", "`..`", r"\\.\pipe\NAME"),
        (r"\\.\pipe\a.", "ends with a dot", r"\\.\pipe\NAME"),
        (r"\\server\pipe\a", "pipe on this machine", r"\\.\pipe\NAME"),
        (r"\\.\C:", "pipe on this machine", r"\\.\pipe\NAME"),
        (r"\\", "pipe on this machine", r"\\.\pipe\NAME"),
    ] {
        let error = typed.parse::<Grant>().unwrap_err();
        let GrantError::Syntax { entry, .. } = &error else {
            panic!("{error:?}");
        };
        assert_eq!(entry, typed);
        let text = error.to_string();
        assert!(text.contains(typed), "{text}");
        assert!(text.contains(problem), "{typed:?}: {text}");
        assert!(text.contains(correction), "{typed:?}: {text}");
    }
}

/// A path of a socket that could never be used is refused when it is typed: programs cannot
/// name it. A folder's can be of any length, and so can the host's.
#[test]
fn too_long_for_programs() {
    let long = format!("/{}", "x".repeat(107));
    let error = long.parse::<Grant>().unwrap_err().to_string();
    assert!(error.contains("108 bytes"), "{error}");
    assert!(error.contains("HOST::GUEST"), "{error}");
    let _: Grant = long[..107].parse().unwrap();
    let _: Grant = format!("{long}::/x").parse().unwrap();
    let _: Grant = format!("{long}/").parse().unwrap();
    assert!(format!("@{}", "x".repeat(108)).parse::<Grant>().is_err());
    let _: Grant = format!("@{}", "x".repeat(107)).parse().unwrap();
}

proptest! {
    /// What parses is shown as it was typed, and parses again to the same.
    #[test]
    fn shown_as_typed(typed in r"(/|\./|\.\./|@|\\\\\.\\pipe\\|//\./pipe/)?[a-z.@/\\ é:]{0,12}(::)?[a-z./@]{0,6}") {
        if let Ok(grant) = typed.parse::<Grant>() {
            prop_assert_eq!(grant.to_string(), typed.clone());
            prop_assert_eq!(grant.to_string().parse::<Grant>().unwrap(), grant);
        }
    }

    /// Anything at all parses or is refused with a message that has it.
    #[test]
    fn anything_typed(typed in any::<String>()) {
        if let Err(error) = typed.parse::<Grant>() {
            prop_assert!(error.to_string().contains(&typed));
        }
    }

    /// With nothing granted, any path at all is refused, without a panic, and the grant that the
    /// error names is one that lets the path be used.
    #[test]
    fn nothing_is_reached_without_a_grant(path in any::<String>()) {
        advice_helps(&path)?;
    }

    /// The same for paths that look like another grant: a mapping, a prefix, a folder.
    #[test]
    fn odd_names_are_advised_as_what_they_are(path in r"(\x00|\x00?@|/|\./|-)?[a@:./ é-]{0,8}") {
        advice_helps(&path)?;
    }
}

fn advice_helps(path: &str) -> Result<(), TestCaseError> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_io()
        .build()
        .expect("a runtime");
    let _inside = runtime.enter();
    match Listener::bind(&Grants::new(), path, &ListenOptions::default()) {
        Err(Error::NotGranted {
            grant: Some(grant), ..
        }) => {
            let mut grants = Grants::new();
            let parsed = grant.parse::<Grant>().expect("a grant");
            // Its folder may be missing. A name without one is asked for again.
            if grants.allow(&parsed, Rights::ALL).is_ok() && grant.starts_with('@') {
                let again = Listener::bind(&grants, path, &ListenOptions::default());
                prop_assert!(!matches!(again, Err(Error::NotGranted { .. })), "{grant}");
                let other = Listener::bind(&grants, &format!("{path}x"), &ListenOptions::default());
                prop_assert!(
                    matches!(
                        other,
                        Err(Error::NotGranted { .. } | Error::InvalidPath { .. })
                    ),
                    "{grant}"
                );
            }
            prop_assert!(!grant.contains("::"), "{grant}");
            prop_assert!(!grant.ends_with('/'), "{grant}");
        }
        Err(Error::NotGranted { .. } | Error::InvalidPath { .. } | Error::NotSupported { .. }) => {}
        other => prop_assert!(false, "{other:?}"),
    }
    Ok(())
}
