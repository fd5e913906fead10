//! What is told to who is not granted a path, on every system alike, and how many rules there may
//! be. How grants are written is `plugnet-policy`'s.

use plugnet_ipc::{Error, GrantError, Grants, IpcPattern, ListenOptions, Listener, Rights};
use proptest::prelude::*;

/// Rules about local sockets are bounded: each costs with every path.
#[test]
fn rules_are_bounded() {
    let mut grants = Grants::new();
    let pattern = |number: u32| -> IpcPattern {
        let name = if cfg!(windows) {
            format!(r"\\.\pipe\plugnet-{number}")
        } else {
            format!("@plugnet-{number}")
        };
        name.parse().unwrap()
    };
    if matches!(
        grants.allow(&pattern(0), Rights::ALL),
        Err(GrantError::NotOnThisSystem { .. })
    ) {
        return;
    }
    for number in 1..512 {
        grants.allow(&pattern(number), Rights::ALL).unwrap();
    }
    for number in 0..512 {
        grants.deny(&pattern(number), Rights::ALL).unwrap();
    }
    for error in [
        grants.allow(&pattern(512), Rights::ALL).unwrap_err(),
        grants.deny(&pattern(512), Rights::ALL).unwrap_err(),
    ] {
        assert!(matches!(error, GrantError::TooMany { .. }), "{error:?}");
        let text = error.to_string();
        assert!(
            text.contains("plugnet-512") && text.contains("1024"),
            "{text}"
        );
    }
}

proptest! {
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
            let parsed = grant.parse::<IpcPattern>().expect("a grant");
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
