//! `binding.net.SocketAddress`.

use rquickjs::class::Trace;
use rquickjs::{Ctx, JsLifetime, Result, Value};

use super::error::OrThrow;
use super::{family, family_name};
use crate::plugnet::net::net;

#[derive(Trace, JsLifetime)]
#[rquickjs::class]
pub(super) struct SocketAddress {
    #[qjs(skip_trace)]
    inner: net::SocketAddress,
}

#[rquickjs::methods(rename_all = "camelCase")]
impl SocketAddress {
    #[qjs(constructor)]
    fn new(
        ctx: Ctx<'_>,
        address: Option<String>,
        of: Option<Value<'_>>,
        port: u16,
        flowlabel: u32,
    ) -> Result<Self> {
        let address = address.as_deref();
        let inner = net::SocketAddress::create(address, family(of.as_ref()), port, flowlabel);
        Ok(SocketAddress {
            inner: inner.or_throw(&ctx)?,
        })
    }

    #[qjs(static)]
    fn parse(input: String) -> Option<Self> {
        let inner = net::SocketAddress::parse(&input)?;
        Some(SocketAddress { inner })
    }

    fn address(&self) -> String {
        self.inner.address()
    }

    fn family(&self) -> &'static str {
        family_name(self.inner.family())
    }

    fn port(&self) -> u16 {
        self.inner.port()
    }

    fn flowlabel(&self) -> u32 {
        self.inner.flowlabel()
    }
}
