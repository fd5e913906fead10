//! Types of components, as far as limits are concerned: how deep they are and how large.

use std::collections::HashMap;
use std::rc::Rc;

use wasmparser::{
    ComponentDefinedType, ComponentExternalKind, ComponentFuncType, ComponentType, ComponentValType,
};

use super::limits::{TYPE_DEPTH, TYPE_SIZE, at_most};
use crate::error::ProgramError;

/// How deep and how large a type is, and what an instance of it has.
#[derive(Clone)]
pub(super) struct Shape<'a> {
    /// Types inside each other.
    depth: u64,
    /// Types that it consists of, each counted as often as it is used.
    pub(super) size: u64,
    /// What an instance or a component exports. Never deeper than `depth`, so that dropping it
    /// needs little of the stack.
    exports: Option<Rc<HashMap<&'a str, Export<'a>>>>,
}

#[derive(Clone)]
struct Export<'a> {
    kind: ComponentExternalKind,
    shape: Shape<'a>,
}

impl<'a> Shape<'a> {
    /// A type that consists of no other, or one that is not there: the validation that follows
    /// refuses that.
    pub(super) const LEAF: Self = Shape {
        depth: 1,
        size: 1,
        exports: None,
    };

    /// What the instance exports by a name.
    pub(super) fn export(&self, kind: ComponentExternalKind, name: &str) -> Self {
        self.exports
            .as_ref()
            .and_then(|exports| exports.get(name))
            .filter(|export| export.kind == kind)
            .map_or(Self::LEAF, |export| export.shape.clone())
    }

    /// The type of values or functions; not one of instances or components.
    pub(super) fn of_values(
        ty: &ComponentType<'a>,
        types: &[Shape<'a>],
    ) -> Result<Self, ProgramError> {
        let mut parts = Parts::new();
        let mut value = |ty: &ComponentValType| match ty {
            ComponentValType::Primitive(_) => parts.add(&Shape::LEAF),
            ComponentValType::Type(index) => parts.add_at(types, *index),
        };
        match ty {
            ComponentType::Func(ComponentFuncType { params, result, .. }) => params
                .iter()
                .map(|(_, ty)| ty)
                .chain(result)
                .try_for_each(value)?,
            ComponentType::Defined(ty) => match ty {
                ComponentDefinedType::Record(fields) => {
                    fields.iter().try_for_each(|(_, ty)| value(ty))?;
                }
                ComponentDefinedType::Variant(cases) => {
                    let types = cases.iter().filter_map(|case| case.ty.as_ref());
                    types.into_iter().try_for_each(value)?;
                }
                ComponentDefinedType::Tuple(types) => types.iter().try_for_each(value)?,
                ComponentDefinedType::List(ty)
                | ComponentDefinedType::FixedLengthList(ty, _)
                | ComponentDefinedType::Option(ty) => value(ty)?,
                ComponentDefinedType::Map(key, ty) => [key, ty].into_iter().try_for_each(value)?,
                ComponentDefinedType::Result { ok, err } => {
                    ok.iter().chain(err).try_for_each(value)?;
                }
                ComponentDefinedType::Future(ty) | ComponentDefinedType::Stream(ty) => {
                    ty.iter().try_for_each(value)?;
                }
                ComponentDefinedType::Own(index) | ComponentDefinedType::Borrow(index) => {
                    parts.add_at(types, *index)?;
                }
                ComponentDefinedType::Flags(names) | ComponentDefinedType::Enum(names) => {
                    parts.add_names(names.len())?;
                }
                ComponentDefinedType::Primitive(_) => {}
            },
            ComponentType::Resource { .. }
            | ComponentType::Component(_)
            | ComponentType::Instance(_) => {}
        }
        Ok(parts.finish())
    }
}

/// A type in the making.
pub(super) struct Parts<'a> {
    depth: u64,
    size: u64,
    exports: HashMap<&'a str, Export<'a>>,
}

impl<'a> Parts<'a> {
    pub(super) fn new() -> Self {
        Parts {
            depth: 1,
            size: 1,
            exports: HashMap::new(),
        }
    }

    /// Adds a type that it consists of.
    pub(super) fn add(&mut self, part: &Shape<'a>) -> Result<(), ProgramError> {
        self.depth = self.depth.max(part.depth + 1);
        at_most(self.depth, TYPE_DEPTH, "the depth of a type")?;
        self.add_size(part.size)
    }

    fn add_at(&mut self, types: &[Shape<'a>], index: u32) -> Result<(), ProgramError> {
        let part = usize::try_from(index)
            .ok()
            .and_then(|index| types.get(index));
        self.add(part.unwrap_or(&Shape::LEAF))
    }

    fn add_names(&mut self, number: usize) -> Result<(), ProgramError> {
        self.add_size(number as u64)
    }

    fn add_size(&mut self, size: u64) -> Result<(), ProgramError> {
        self.size = self.size.saturating_add(size);
        at_most(self.size, TYPE_SIZE, "the size of a type")
    }

    /// Adds what it exports.
    pub(super) fn add_export(
        &mut self,
        name: &'a str,
        kind: ComponentExternalKind,
        shape: Shape<'a>,
    ) -> Result<(), ProgramError> {
        self.add(&shape)?;
        self.exports.insert(name, Export { kind, shape });
        Ok(())
    }

    pub(super) fn finish(self) -> Shape<'a> {
        Shape {
            depth: self.depth,
            size: self.size,
            exports: (!self.exports.is_empty()).then(|| Rc::new(self.exports)),
        }
    }
}
