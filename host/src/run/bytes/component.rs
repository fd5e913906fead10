//! Components: what is defined in them, and what an instance of one takes.

use std::ops::Range;

use wasmparser::{
    BinaryReader, CanonicalFunction, ComponentAlias, ComponentExternalKind, ComponentInstance,
    ComponentOuterAliasKind, ComponentType, ComponentTypeRef, CoreType, Instance, Payload,
    TypeBounds,
};

use super::limits::{
    CANONICAL_FUNCTIONS, CANONICAL_TYPES, CORE_INSTANCES, INSTANCE_BYTES, INSTANCES, ITEMS,
    MEMORIES, NESTING, TABLES, TYPE_SIZES, add, at_most,
};
use super::module::ModuleNeeds;
use super::shape::{Parts, Shape};
use super::{Needs, Totals};
use crate::error::ProgramError;

/// What one instance of a component takes, with all that it instantiates in turn.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct ComponentNeeds {
    instances: u64,
    core_instances: u64,
    /// Those of modules that it imports, or has from an instance.
    unknown_modules: u64,
    canonical_functions: u64,
    /// The sizes of the types of those that are lifted or lowered.
    canonical_types: u64,
    items: u64,
    memories: u64,
    tables: u64,
    bytes: u64,
}

/// What wasmtime keeps for an instance of a component.
const INSTANCE: u64 = 1024;
/// What it keeps for a function of a component.
const FUNCTION: u64 = 128;

impl ComponentNeeds {
    /// Adds those of what it instantiates.
    fn add(&mut self, other: &ComponentNeeds) -> Result<(), ProgramError> {
        self.instances += other.instances;
        self.core_instances += other.core_instances;
        self.unknown_modules += other.unknown_modules;
        self.canonical_functions += other.canonical_functions;
        self.canonical_types += other.canonical_types;
        self.items += other.items;
        self.memories += other.memories;
        self.tables += other.tables;
        self.bytes += other.bytes;
        // With each sum, so that none grows beyond what its type holds.
        self.check()
    }

    fn add_module(&mut self, module: &ModuleNeeds) -> Result<(), ProgramError> {
        self.core_instances += 1;
        self.memories += module.memories;
        self.tables += module.tables;
        self.bytes = self.bytes.saturating_add(module.bytes);
        self.check()
    }

    fn check(&self) -> Result<(), ProgramError> {
        at_most(
            self.instances,
            INSTANCES,
            "the number of instances of components",
        )?;
        at_most(
            self.core_instances + self.unknown_modules,
            CORE_INSTANCES,
            "the number of instances of core modules",
        )?;
        at_most(
            self.canonical_functions,
            CANONICAL_FUNCTIONS,
            "the number of lifted and lowered functions of all instances",
        )?;
        at_most(
            self.canonical_types,
            CANONICAL_TYPES,
            "the size of the types of all lifted and lowered functions of all instances",
        )?;
        at_most(
            self.items,
            ITEMS,
            "the number of imports, exports and aliases of all instances",
        )?;
        at_most(
            self.memories,
            MEMORIES,
            "the number of memories of all instances",
        )?;
        at_most(self.tables, TABLES, "the number of tables of all instances")?;
        at_most(
            self.bytes,
            INSTANCE_BYTES,
            "the size of all instances, without their memories and tables, in bytes",
        )
    }

    /// All of it, when `largest` is the most that a module needs.
    pub(super) fn finish(mut self, largest: &ModuleNeeds) -> Result<Needs, ProgramError> {
        for _ in 0..std::mem::take(&mut self.unknown_modules) {
            self.add_module(largest)?;
        }
        Ok(Needs { bytes: self.bytes })
    }
}

impl ModuleNeeds {
    /// Takes the larger one of each number.
    pub(super) fn raise_to(&mut self, other: &ModuleNeeds) {
        self.memories = self.memories.max(other.memories);
        self.tables = self.tables.max(other.tables);
        self.bytes = self.bytes.max(other.bytes);
    }
}

/// A component that can be instantiated.
#[derive(Clone)]
struct Component<'a> {
    shape: Shape<'a>,
    /// None if it is imported, or comes from an instance: then it could be any.
    needs: Option<ComponentNeeds>,
}

/// The components and types that are being read, each inside the one before.
pub(super) struct Scopes<'a>(Vec<Scope<'a>>);

/// What is defined in a component or in a type of one, each kind by its own indices.
struct Scope<'a> {
    types: Vec<Shape<'a>>,
    functions: Vec<Shape<'a>>,
    instances: Vec<Shape<'a>>,
    components: Vec<Component<'a>>,
    /// None if it could be any.
    modules: Vec<Option<ModuleNeeds>>,
    /// The type of it.
    own: Parts<'a>,
    needs: ComponentNeeds,
}

impl Scope<'_> {
    fn new() -> Self {
        Scope {
            types: vec![],
            functions: vec![],
            instances: vec![],
            components: vec![],
            modules: vec![],
            own: Parts::new(),
            needs: ComponentNeeds {
                instances: 1,
                bytes: INSTANCE,
                ..ComponentNeeds::default()
            },
        }
    }
}

fn at<T: Clone>(list: &[T], index: u32) -> Option<T> {
    list.get(usize::try_from(index).ok()?).cloned()
}

impl<'a> Scope<'a> {
    /// The type of something that was defined here.
    fn shape(&self, kind: ComponentExternalKind, index: u32) -> Shape<'a> {
        let shape = match kind {
            ComponentExternalKind::Type => at(&self.types, index),
            ComponentExternalKind::Func => at(&self.functions, index),
            ComponentExternalKind::Instance => at(&self.instances, index),
            ComponentExternalKind::Component => at(&self.components, index).map(|it| it.shape),
            ComponentExternalKind::Module | ComponentExternalKind::Value => None,
        };
        shape.unwrap_or(Shape::LEAF)
    }

    /// What a reference to a type means, for something that has it.
    fn referred(&self, ty: ComponentTypeRef) -> Shape<'a> {
        match ty {
            ComponentTypeRef::Func(index)
            | ComponentTypeRef::Instance(index)
            | ComponentTypeRef::Component(index)
            | ComponentTypeRef::Type(TypeBounds::Eq(index)) => {
                self.shape(ComponentExternalKind::Type, index)
            }
            ComponentTypeRef::Module(_)
            | ComponentTypeRef::Value(_)
            | ComponentTypeRef::Type(TypeBounds::SubResource) => Shape::LEAF,
        }
    }

    /// Counts what is written here.
    fn items(&mut self, number: usize, totals: &mut Totals) -> Result<(), ProgramError> {
        let number = number as u64;
        add(
            &mut totals.items,
            number,
            ITEMS,
            "the number of imports, exports, aliases and types",
        )?;
        self.needs.items += number;
        self.needs.check()
    }

    /// Defines something of which only the type is known.
    fn define(
        &mut self,
        kind: ComponentExternalKind,
        shape: Shape<'a>,
        totals: &mut Totals,
    ) -> Result<(), ProgramError> {
        count_type(&shape, totals)?;
        match kind {
            ComponentExternalKind::Type => self.types.push(shape),
            ComponentExternalKind::Func => self.functions.push(shape),
            ComponentExternalKind::Instance => self.instances.push(shape),
            ComponentExternalKind::Component => {
                self.components.push(Component { shape, needs: None });
            }
            ComponentExternalKind::Module => self.modules.push(None),
            ComponentExternalKind::Value => {}
        }
        Ok(())
    }

    /// Defines what is known already, by one more index.
    fn define_again(
        &mut self,
        kind: ComponentExternalKind,
        index: u32,
        totals: &mut Totals,
    ) -> Result<(), ProgramError> {
        let needs = at(&self.components, index).and_then(|component| component.needs);
        let module = at(&self.modules, index).flatten();
        let shape = self.shape(kind, index);
        self.define(kind, shape, totals)?;
        match kind {
            ComponentExternalKind::Component => {
                if let Some(last) = self.components.last_mut() {
                    last.needs = needs;
                }
            }
            ComponentExternalKind::Module => {
                if let Some(last) = self.modules.last_mut() {
                    *last = module;
                }
            }
            _ => {}
        }
        Ok(())
    }
}

fn count_type(shape: &Shape<'_>, totals: &mut Totals) -> Result<(), ProgramError> {
    add(
        &mut totals.type_sizes,
        shape.size,
        TYPE_SIZES,
        "the size of all types, each counted wherever it is used",
    )
}

impl<'a> Scopes<'a> {
    pub(super) fn new() -> Self {
        Scopes(vec![])
    }

    fn enter(&mut self) -> Result<(), ProgramError> {
        self.0.push(Scope::new());
        at_most(
            self.0.len() as u64,
            NESTING,
            "the number of components and types inside each other",
        )
    }

    pub(super) fn enter_component(&mut self, totals: &mut Totals) -> Result<(), ProgramError> {
        if let Some(outer) = self.0.last_mut() {
            outer.items(1, totals)?;
        }
        self.enter()
    }

    /// Ends a component, which the one around it may instantiate.
    pub(super) fn leave_component(&mut self) -> Result<ComponentNeeds, ProgramError> {
        let Some(scope) = self.0.pop() else {
            return Ok(ComponentNeeds::default());
        };
        if let Some(outer) = self.0.last_mut() {
            outer.components.push(Component {
                shape: scope.own.finish(),
                needs: Some(scope.needs),
            });
        }
        Ok(scope.needs)
    }

    /// Defines a core module, which ends here.
    pub(super) fn module(&mut self, needs: ModuleNeeds) {
        if let Some(scope) = self.0.last_mut() {
            scope.modules.push(Some(needs));
        }
    }

    /// Reads a section of a component.
    pub(super) fn read(
        &mut self,
        payload: Payload<'a>,
        bytes: &'a [u8],
        totals: &mut Totals,
    ) -> Result<(), ProgramError> {
        if let Payload::ComponentTypeSection(section) = payload {
            return self.types(bytes, section.range(), totals);
        }
        if let Payload::ComponentAliasSection(section) = payload {
            for alias in section {
                self.alias(alias.map_err(ProgramError::invalid)?, totals)?;
            }
            return Ok(());
        }
        let Some(scope) = self.0.last_mut() else {
            return Ok(());
        };
        match payload {
            Payload::ComponentImportSection(section) => {
                for import in section {
                    let import = import.map_err(ProgramError::invalid)?;
                    let shape = scope.referred(import.ty);
                    scope.items(1, totals)?;
                    scope.own.add(&shape)?;
                    scope.define(import.ty.kind(), shape, totals)?;
                }
            }
            Payload::ComponentExportSection(section) => {
                for export in section {
                    let export = export.map_err(ProgramError::invalid)?;
                    scope.items(1, totals)?;
                    let shape = scope.shape(export.kind, export.index);
                    scope.own.add_export(export.name.name, export.kind, shape)?;
                    scope.define_again(export.kind, export.index, totals)?;
                    if let Some(ty) = export.ty {
                        // It is compared with the type that is said.
                        count_type(&scope.referred(ty), totals)?;
                    }
                }
            }
            Payload::ComponentInstanceSection(section) => {
                for instance in section {
                    let shape = match instance.map_err(ProgramError::invalid)? {
                        ComponentInstance::Instantiate {
                            component_index,
                            args,
                        } => {
                            scope.items(args.len(), totals)?;
                            let component = at(&scope.components, component_index);
                            let component = component.ok_or_else(|| {
                                ProgramError::invalid("it instantiates what is not there")
                            })?;
                            let needs = component.needs.ok_or(ProgramError::UnknownComponent)?;
                            scope.needs.add(&needs)?;
                            for arg in args {
                                count_type(&scope.shape(arg.kind, arg.index), totals)?;
                            }
                            component.shape
                        }
                        ComponentInstance::FromExports(exports) => {
                            scope.items(exports.len(), totals)?;
                            let mut parts = Parts::new();
                            for export in exports {
                                let shape = scope.shape(export.kind, export.index);
                                parts.add_export(export.name.name, export.kind, shape)?;
                            }
                            parts.finish()
                        }
                    };
                    scope.define(ComponentExternalKind::Instance, shape, totals)?;
                }
            }
            Payload::InstanceSection(section) => {
                for instance in section {
                    match instance.map_err(ProgramError::invalid)? {
                        Instance::Instantiate { module_index, args } => {
                            scope.items(args.len(), totals)?;
                            match at(&scope.modules, module_index).flatten() {
                                Some(module) => scope.needs.add_module(&module)?,
                                None => scope.needs.unknown_modules += 1,
                            }
                            scope.needs.check()?;
                        }
                        Instance::FromExports(exports) => scope.items(exports.len(), totals)?,
                    }
                }
            }
            Payload::ComponentCanonicalSection(section) => {
                for function in section {
                    scope.needs.canonical_functions += 1;
                    scope.needs.bytes += FUNCTION;
                    match function.map_err(ProgramError::invalid)? {
                        CanonicalFunction::Lift { type_index, .. } => {
                            let shape = scope.shape(ComponentExternalKind::Type, type_index);
                            scope.needs.canonical_types += shape.size;
                            scope.define(ComponentExternalKind::Func, shape, totals)?;
                        }
                        CanonicalFunction::Lower { func_index, .. } => {
                            let shape = scope.shape(ComponentExternalKind::Func, func_index);
                            scope.needs.canonical_types += shape.size;
                        }
                        _ => {}
                    }
                    scope.needs.check()?;
                }
            }
            _ => {}
        }
        Ok(())
    }

    fn alias(
        &mut self,
        alias: ComponentAlias<'a>,
        totals: &mut Totals,
    ) -> Result<(), ProgramError> {
        let Some(scope) = self.0.last_mut() else {
            return Ok(());
        };
        scope.items(1, totals)?;
        match alias {
            ComponentAlias::InstanceExport {
                kind,
                instance_index,
                name,
            } => {
                let instance = scope.shape(ComponentExternalKind::Instance, instance_index);
                scope.define(kind, instance.export(kind, name), totals)
            }
            // What is of core modules has no type of components.
            ComponentAlias::CoreInstanceExport { .. } => Ok(()),
            ComponentAlias::Outer { kind, count, index } => {
                let count = usize::try_from(count).unwrap_or(usize::MAX);
                let outer = self.0.iter().rev().nth(count);
                match kind {
                    ComponentOuterAliasKind::CoreType => Ok(()),
                    ComponentOuterAliasKind::CoreModule => {
                        let module = outer.and_then(|outer| at(&outer.modules, index)).flatten();
                        self.last(|scope| scope.modules.push(module));
                        Ok(())
                    }
                    ComponentOuterAliasKind::Type => {
                        let shape = outer.and_then(|outer| at(&outer.types, index));
                        let shape = shape.unwrap_or(Shape::LEAF);
                        count_type(&shape, totals)?;
                        self.last(|scope| scope.types.push(shape));
                        Ok(())
                    }
                    ComponentOuterAliasKind::Component => {
                        let component = outer.and_then(|outer| at(&outer.components, index));
                        let component = component.unwrap_or(Component {
                            shape: Shape::LEAF,
                            needs: None,
                        });
                        count_type(&component.shape, totals)?;
                        self.last(|scope| scope.components.push(component));
                        Ok(())
                    }
                }
            }
        }
    }

    fn last(&mut self, define: impl FnOnce(&mut Scope<'a>)) {
        if let Some(scope) = self.0.last_mut() {
            define(scope);
        }
    }

    /// Reads a section of types. wasmparser's own reader calls itself for types of components
    /// and instances; all that is in them is read by it.
    fn types(
        &mut self,
        bytes: &'a [u8],
        range: Range<u64>,
        totals: &mut Totals,
    ) -> Result<(), ProgramError> {
        let start = usize::try_from(range.start).unwrap_or(usize::MAX);
        let end = usize::try_from(range.end).unwrap_or(usize::MAX);
        let section = bytes.get(start..end).unwrap_or_default();
        let mut reader = BinaryReader::new(section, range.start);
        let outermost = reader.read_var_u32().map_err(ProgramError::invalid)?;
        // How many declarations follow in each type that is open, the section itself first.
        let mut open = vec![(TypeKind::Section, outermost)];
        while let Some((kind, left)) = open.last_mut() {
            let kind = *kind;
            let Some(rest) = left.checked_sub(1) else {
                open.pop();
                if kind != TypeKind::Section
                    && let Some(scope) = self.0.pop()
                {
                    self.define_type(scope.own.finish(), totals)?;
                }
                continue;
            };
            *left = rest;
            if kind != TypeKind::Section && !self.declaration(kind, &mut reader, totals)? {
                continue;
            }
            // A type.
            let opens = match reader.clone().read_u8().map_err(ProgramError::invalid)? {
                0x41 => Some(TypeKind::Component),
                0x42 => Some(TypeKind::Instance),
                _ => None,
            };
            if let Some(kind) = opens {
                reader.read_u8().map_err(ProgramError::invalid)?;
                let declarations = reader.read_var_u32().map_err(ProgramError::invalid)?;
                self.enter()?;
                open.push((kind, declarations));
            } else {
                let ty: ComponentType = reader.read().map_err(ProgramError::invalid)?;
                let types = self.0.last().map_or(&[][..], |scope| &scope.types[..]);
                let shape = Shape::of_values(&ty, types)?;
                self.define_type(shape, totals)?;
            }
        }
        Ok(())
    }

    fn define_type(&mut self, shape: Shape<'a>, totals: &mut Totals) -> Result<(), ProgramError> {
        match self.0.last_mut() {
            Some(scope) => {
                scope.items(1, totals)?;
                scope.define(ComponentExternalKind::Type, shape, totals)
            }
            None => Ok(()),
        }
    }

    /// Reads a declaration of a type, and says whether a type follows as a part of it.
    fn declaration(
        &mut self,
        kind: TypeKind,
        reader: &mut BinaryReader<'a>,
        totals: &mut Totals,
    ) -> Result<bool, ProgramError> {
        match reader.read_u8().map_err(ProgramError::invalid)? {
            0x00 => {
                let _: CoreType = reader.read().map_err(ProgramError::invalid)?;
            }
            0x01 => return Ok(true),
            0x02 => {
                let alias = reader.read().map_err(ProgramError::invalid)?;
                self.alias(alias, totals)?;
            }
            code @ (0x03 | 0x04) if code == 0x04 || kind == TypeKind::Component => {
                let name: wasmparser::ComponentExternName =
                    reader.read().map_err(ProgramError::invalid)?;
                let ty: ComponentTypeRef = reader.read().map_err(ProgramError::invalid)?;
                if let Some(scope) = self.0.last_mut() {
                    scope.items(1, totals)?;
                    let shape = scope.referred(ty);
                    if code == 0x04 {
                        scope.own.add_export(name.name, ty.kind(), shape.clone())?;
                    } else {
                        scope.own.add(&shape)?;
                    }
                    scope.define(ty.kind(), shape, totals)?;
                }
            }
            code => {
                return Err(ProgramError::invalid(format!(
                    "a type has a declaration of an unknown kind, {code:#x} (at offset {:#x})",
                    reader.original_position() - 1
                )));
            }
        }
        Ok(false)
    }
}

/// What declarations are in.
#[derive(Clone, Copy, PartialEq, Eq)]
enum TypeKind {
    Section,
    Component,
    Instance,
}
