//! `binding.net.BlockList`.

use rquickjs::class::Trace;
use rquickjs::function::Opt;
use rquickjs::{Ctx, JsLifetime, Result, Value};

use super::error::OrThrow;
use super::family;
use crate::binding::object::Whole;
use crate::plugnet::net::net;

#[derive(Trace, JsLifetime)]
#[rquickjs::class]
pub(super) struct BlockList {
    #[qjs(skip_trace)]
    inner: net::BlockList,
}

impl BlockList {
    pub(super) fn inner(&self) -> &net::BlockList {
        &self.inner
    }
}

#[rquickjs::methods(rename_all = "camelCase")]
impl BlockList {
    #[qjs(constructor)]
    fn new() -> Self {
        BlockList {
            inner: net::BlockList::new(),
        }
    }

    fn add_address(&self, ctx: Ctx<'_>, address: String, of: Opt<Value<'_>>) -> Result<()> {
        self.inner
            .add_address(&address, family(of.0.as_ref()))
            .or_throw(&ctx)
    }

    fn add_addresses(
        &self,
        ctx: Ctx<'_>,
        addresses: Vec<String>,
        of: Opt<Value<'_>>,
    ) -> Result<()> {
        self.inner
            .add_addresses(&addresses, family(of.0.as_ref()))
            .or_throw(&ctx)
    }

    fn add_range(
        &self,
        ctx: Ctx<'_>,
        start: String,
        end: String,
        of: Opt<Value<'_>>,
    ) -> Result<()> {
        self.inner
            .add_range(&start, &end, family(of.0.as_ref()))
            .or_throw(&ctx)
    }

    fn add_subnet(
        &self,
        ctx: Ctx<'_>,
        network: String,
        prefix: u32,
        of: Opt<Value<'_>>,
    ) -> Result<()> {
        self.inner
            .add_subnet(&network, prefix, family(of.0.as_ref()))
            .or_throw(&ctx)
    }

    #[qjs(rename = "addCIDR")]
    fn add_cidr(&self, ctx: Ctx<'_>, cidr: String) -> Result<()> {
        self.inner.add_cidr(&cidr).or_throw(&ctx)
    }

    #[qjs(rename = "addCIDRs")]
    fn add_cidrs(&self, ctx: Ctx<'_>, cidrs: Vec<String>) -> Result<()> {
        self.inner.add_cidrs(&cidrs).or_throw(&ctx)
    }

    fn remove_address(&self, ctx: Ctx<'_>, address: String, of: Opt<Value<'_>>) -> Result<()> {
        self.inner
            .remove_address(&address, family(of.0.as_ref()))
            .or_throw(&ctx)
    }

    fn remove_range(
        &self,
        ctx: Ctx<'_>,
        start: String,
        end: String,
        of: Opt<Value<'_>>,
    ) -> Result<()> {
        self.inner
            .remove_range(&start, &end, family(of.0.as_ref()))
            .or_throw(&ctx)
    }

    fn remove_subnet(
        &self,
        ctx: Ctx<'_>,
        network: String,
        prefix: u32,
        of: Opt<Value<'_>>,
    ) -> Result<()> {
        self.inner
            .remove_subnet(&network, prefix, family(of.0.as_ref()))
            .or_throw(&ctx)
    }

    #[qjs(rename = "removeCIDR")]
    fn remove_cidr(&self, ctx: Ctx<'_>, cidr: String) -> Result<()> {
        self.inner.remove_cidr(&cidr).or_throw(&ctx)
    }

    fn clear(&self) {
        self.inner.clear();
    }

    fn size(&self) -> Whole {
        Whole(self.inner.size())
    }

    fn check(&self, address: String, of: Opt<Value<'_>>) -> bool {
        self.inner.check(&address, family(of.0.as_ref()))
    }

    fn rules(&self) -> Vec<String> {
        self.inner.rules()
    }

    #[qjs(rename = "fromJSON")]
    fn add_json(&self, ctx: Ctx<'_>, rules: Vec<String>) -> Result<()> {
        self.inner.from_json(&rules).or_throw(&ctx)
    }

    #[qjs(static)]
    fn private_ranges() -> Vec<String> {
        net::BlockList::private_ranges()
    }
}
