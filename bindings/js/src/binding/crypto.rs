//! `binding.crypto`: hashes, HMAC, PBKDF2 and random numbers, by RustCrypto.

use std::cell::RefCell;

use digest::DynDigest;
use hmac::{Mac, SimpleHmac};
use rquickjs::class::Trace;
use rquickjs::{Class, Ctx, Exception, Function, JsLifetime, Object, Result, Value};

use super::bytes::{self, Bytes};

/// Calls `$call::<D>` for the hash `D` of a name; gives nothing for a name that is not known.
macro_rules! by_name {
    ($name:expr, $D:ident => $call:expr) => {
        match $name {
            "md5" => Some({
                type $D = md5::Md5;
                $call
            }),
            "sha1" => Some({
                type $D = sha1::Sha1;
                $call
            }),
            "sha224" => Some({
                type $D = sha2::Sha224;
                $call
            }),
            "sha256" => Some({
                type $D = sha2::Sha256;
                $call
            }),
            "sha384" => Some({
                type $D = sha2::Sha384;
                $call
            }),
            "sha512" => Some({
                type $D = sha2::Sha512;
                $call
            }),
            "sha512-224" => Some({
                type $D = sha2::Sha512_224;
                $call
            }),
            "sha512-256" => Some({
                type $D = sha2::Sha512_256;
                $call
            }),
            _ => None,
        }
    };
}

/// The names of all hashes.
const NAMES: [&str; 8] = [
    "md5",
    "sha1",
    "sha224",
    "sha256",
    "sha384",
    "sha512",
    "sha512-224",
    "sha512-256",
];

pub(super) fn define<'js>(ctx: &Ctx<'js>, crypto: &Object<'js>) -> Result<()> {
    Class::<Hash>::define(crypto)?;
    Class::<Hmac>::define(crypto)?;
    crypto.set("hashes", Function::new(ctx.clone(), || NAMES.to_vec())?)?;
    crypto.set("random", Function::new(ctx.clone(), random)?)?;
    crypto.set("pbkdf2", Function::new(ctx.clone(), pbkdf2)?)
}

fn unknown(ctx: &Ctx<'_>, name: &str) -> rquickjs::Error {
    Exception::throw_type(ctx, &format!("Invalid digest: {name}"))
}

fn finished(ctx: &Ctx<'_>) -> rquickjs::Error {
    Exception::throw_message(ctx, "Digest already called")
}

/// A hash that goes on.
#[derive(Trace, JsLifetime)]
#[rquickjs::class]
struct Hash {
    #[qjs(skip_trace)]
    state: RefCell<Option<Box<dyn DynDigest>>>,
}

#[rquickjs::methods]
impl Hash {
    #[qjs(constructor)]
    fn new(ctx: Ctx<'_>, name: String) -> Result<Self> {
        let state = by_name!(name.as_str(), D => Box::new(D::default()) as Box<dyn DynDigest>);
        let state = state.ok_or_else(|| unknown(&ctx, &name))?;
        Ok(Hash {
            state: RefCell::new(Some(state)),
        })
    }

    fn update(&self, ctx: Ctx<'_>, data: Bytes<'_>) -> Result<()> {
        let mut state = self.state.borrow_mut();
        let state = state.as_mut().ok_or_else(|| finished(&ctx))?;
        data.with(|data| state.update(data));
        Ok(())
    }

    fn digest<'js>(&self, ctx: Ctx<'js>) -> Result<Value<'js>> {
        let state = self.state.take().ok_or_else(|| finished(&ctx))?;
        bytes::from_vec(&ctx, state.finalize().into_vec())
    }

    fn copy(&self, ctx: Ctx<'_>) -> Result<Self> {
        let state = self.state.borrow();
        let state = state.as_ref().ok_or_else(|| finished(&ctx))?;
        Ok(Hash {
            state: RefCell::new(Some(state.box_clone())),
        })
    }
}

/// A message authentication code that goes on.
trait Code {
    fn update(&mut self, data: &[u8]);
    fn finish(self: Box<Self>) -> Vec<u8>;
}

impl<M: Mac> Code for M {
    fn update(&mut self, data: &[u8]) {
        Mac::update(self, data);
    }

    fn finish(self: Box<Self>) -> Vec<u8> {
        self.finalize().into_bytes().to_vec()
    }
}

#[derive(Trace, JsLifetime)]
#[rquickjs::class]
struct Hmac {
    #[qjs(skip_trace)]
    state: RefCell<Option<Box<dyn Code>>>,
}

#[rquickjs::methods]
impl Hmac {
    #[qjs(constructor)]
    fn new(ctx: Ctx<'_>, name: String, key: Bytes<'_>) -> Result<Self> {
        let state = key.with(|key| {
            by_name!(name.as_str(), D => {
                let code = <SimpleHmac<D> as Mac>::new_from_slice(key);
                code.ok().map(|code| Box::new(code) as Box<dyn Code>)
            })
        });
        let state = state.flatten().ok_or_else(|| unknown(&ctx, &name))?;
        Ok(Hmac {
            state: RefCell::new(Some(state)),
        })
    }

    fn update(&self, ctx: Ctx<'_>, data: Bytes<'_>) -> Result<()> {
        let mut state = self.state.borrow_mut();
        let state = state.as_mut().ok_or_else(|| finished(&ctx))?;
        data.with(|data| state.update(data));
        Ok(())
    }

    fn digest<'js>(&self, ctx: Ctx<'js>) -> Result<Value<'js>> {
        let state = self.state.take().ok_or_else(|| finished(&ctx))?;
        bytes::from_vec(&ctx, state.finish())
    }
}

/// Fills `data` with random numbers of the host's.
fn random(ctx: Ctx<'_>, data: Bytes<'_>) -> Result<()> {
    data.with_mut(getrandom::fill)
        .map_err(|error| Exception::throw_message(&ctx, &error.to_string()))
}

fn pbkdf2<'js>(
    ctx: Ctx<'js>,
    name: String,
    password: Bytes<'js>,
    salt: Bytes<'js>,
    iterations: u32,
    length: usize,
) -> Result<Value<'js>> {
    let mut key = Vec::new();
    if key.try_reserve_exact(length).is_err() {
        return Err(Exception::throw_range(
            &ctx,
            "Array buffer allocation failed",
        ));
    }
    key.resize(length, 0);
    let done = password.with(|password| {
        salt.with(|salt| {
            by_name!(name.as_str(), D => {
                ::pbkdf2::pbkdf2::<SimpleHmac<D>>(password, salt, iterations, &mut key)
            })
        })
    });
    match done {
        Some(Ok(())) => bytes::from_vec(&ctx, key),
        _ => Err(unknown(&ctx, &name)),
    }
}
