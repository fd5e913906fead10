//! `binding.net`: `plugnet:net` as it is, with handles as objects.

mod block_list;
mod error;
mod event;
mod lookup;
mod server;
mod socket;
mod socket_address;

use rquickjs::{Class, Ctx, Function, Object, Persistent, Result, Value};

use self::block_list::BlockList;
use self::error::OrThrow;
pub(crate) use self::event::{events, is_alive};
use self::server::Server;
use self::socket::Socket;
use self::socket_address::SocketAddress;
use crate::engine::shared;
use crate::plugnet::net::net;
use crate::plugnet::net::types::{AddressInfo, IpFamily};

pub(super) fn define<'js>(ctx: &Ctx<'js>, binding: &Object<'js>) -> Result<()> {
    Class::<Server>::define(binding)?;
    Class::<Socket>::define(binding)?;
    Class::<BlockList>::define(binding)?;
    Class::<SocketAddress>::define(binding)?;
    let function = |name: &str, function: Result<Function<'js>>| binding.set(name, function?);
    function(
        "isIP",
        Function::new(ctx.clone(), |input: String| net::is_ip(&input)),
    )?;
    function(
        "isIPv4",
        Function::new(ctx.clone(), |input: String| net::is_ipv4(&input)),
    )?;
    function(
        "isIPv6",
        Function::new(ctx.clone(), |input: String| net::is_ipv6(&input)),
    )?;
    function(
        "getDefaultAutoSelectFamily",
        Function::new(ctx.clone(), net::get_default_auto_select_family),
    )?;
    function(
        "setDefaultAutoSelectFamily",
        Function::new(ctx.clone(), net::set_default_auto_select_family),
    )?;
    function(
        "getDefaultAutoSelectFamilyAttemptTimeout",
        Function::new(
            ctx.clone(),
            net::get_default_auto_select_family_attempt_timeout,
        ),
    )?;
    function(
        "setDefaultAutoSelectFamilyAttemptTimeout",
        Function::new(ctx.clone(), |ctx: Ctx<'_>, milliseconds: u32| {
            net::set_default_auto_select_family_attempt_timeout(milliseconds).or_throw(&ctx)
        }),
    )?;
    function("lookup", Function::new(ctx.clone(), lookup::lookup))?;
    function(
        "setDispatcher",
        Function::new(ctx.clone(), |ctx: Ctx<'js>, dispatch: Function<'js>| {
            *shared().dispatch.borrow_mut() = Some(Persistent::save(&ctx, dispatch));
        }),
    )?;
    function(
        "setMakeError",
        Function::new(ctx.clone(), |ctx: Ctx<'js>, make: Function<'js>| {
            *shared().make_error.borrow_mut() = Some(Persistent::save(&ctx, make));
        }),
    )
}

/// What Node calls a family.
fn family_name(family: IpFamily) -> &'static str {
    match family {
        IpFamily::Ipv4 => "IPv4",
        IpFamily::Ipv6 => "IPv6",
    }
}

/// A family by its name, or by its number; anything else is none.
fn family(value: Option<&Value<'_>>) -> Option<IpFamily> {
    let value = value?;
    if let Some(name) = value.as_string().and_then(|name| name.to_string().ok()) {
        return match name.to_ascii_lowercase().as_str() {
            "ipv4" => Some(IpFamily::Ipv4),
            "ipv6" => Some(IpFamily::Ipv6),
            _ => None,
        };
    }
    match value.as_int() {
        Some(4) => Some(IpFamily::Ipv4),
        Some(6) => Some(IpFamily::Ipv6),
        _ => None,
    }
}

/// `{ address, family, port }`.
fn address<'js>(ctx: &Ctx<'js>, info: Option<AddressInfo>) -> Result<Value<'js>> {
    let Some(info) = info else {
        return Ok(Value::new_undefined(ctx.clone()));
    };
    let object = Object::new(ctx.clone())?;
    object.set("address", info.address)?;
    object.set("family", family_name(info.family))?;
    object.set("port", info.port)?;
    Ok(object.into_value())
}
