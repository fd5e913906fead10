//! Core modules: what an instance of one takes, and what compiling its functions costs.

use wasmparser::{
    BlockType, CompositeInnerType, ContType, ElementItems, FrameKind, FuncType, FunctionBody,
    ModuleArity, Operator, OperatorsReader, OperatorsReaderAllocations, Payload, RefType, SubType,
    TypeRef,
};

use super::Totals;
use super::limits::{self, ELEMENTS, ENTRIES, MEMORIES, SIGNATURE, TABLES, at_most};
use crate::error::ProgramError;

/// What one instance of a module takes.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct ModuleNeeds {
    pub(super) memories: u64,
    pub(super) tables: u64,
    /// Besides memories and tables.
    pub(super) bytes: u64,
}

/// What any instance takes, whatever it has.
const INSTANCE: u64 = 1024;
/// What wasmtime keeps for an import, a function, a global, a tag, or a segment.
const ENTRY: u64 = 48;
/// What it keeps for a memory or a table, besides the contents.
const MEMORY: u64 = 512;
/// What it keeps for an element of a segment.
const ELEMENT: u64 = 16;

/// What compiling any function costs, however short: counted in values, as all work is.
const FUNCTION: u64 = 300;

/// The ways in the code of an operator that has branches inside.
const HIDDEN_WAYS: u64 = 3;

/// How many blocks cost as much as a value that meets others: each is looked for among those
/// before it.
const BLOCKS: u64 = 50;

/// As how many values a loop around counts.
const LOOP: u64 = 4;

/// A module that is being read.
#[derive(Default)]
pub(super) struct Module {
    needs: ModuleNeeds,
    types: Vec<SubType>,
    /// The types of all functions.
    functions: Vec<u32>,
    imported: usize,
    /// The types of all tags.
    tags: Vec<u32>,
    /// How many bodies were read.
    bodies: usize,
    allocations: OperatorsReaderAllocations,
}

impl Module {
    /// Reads a section, or a function.
    pub(super) fn read(
        &mut self,
        payload: Payload<'_>,
        totals: &mut Totals,
    ) -> Result<(), ProgramError> {
        match payload {
            Payload::TypeSection(section) => {
                for group in section {
                    for ty in group.map_err(ProgramError::invalid)?.into_types() {
                        limits::add(&mut totals.entries, 1, ENTRIES, ENTRIES_OF_MODULES)?;
                        if let CompositeInnerType::Func(ty) = &ty.composite_type.inner {
                            let values = ty.params().len() + ty.results().len();
                            at_most(
                                values as u64,
                                SIGNATURE,
                                "the number of parameters and results of a function",
                            )?;
                        }
                        self.types.push(ty);
                    }
                }
            }
            Payload::ImportSection(section) => {
                for import in section.into_imports() {
                    self.entries(1, totals)?;
                    match import.map_err(ProgramError::invalid)?.ty {
                        TypeRef::Func(ty) | TypeRef::FuncExact(ty) => {
                            self.functions.push(ty);
                            self.imported += 1;
                        }
                        TypeRef::Tag(tag) => self.tags.push(tag.func_type_idx),
                        TypeRef::Table(_) | TypeRef::Memory(_) | TypeRef::Global(_) => {}
                    }
                }
            }
            Payload::FunctionSection(section) => {
                self.entries(section.count(), totals)?;
                for ty in section {
                    self.functions.push(ty.map_err(ProgramError::invalid)?);
                }
            }
            Payload::TagSection(section) => {
                self.entries(section.count(), totals)?;
                for tag in section {
                    self.tags
                        .push(tag.map_err(ProgramError::invalid)?.func_type_idx);
                }
            }
            Payload::GlobalSection(section) => self.entries(section.count(), totals)?,
            Payload::ExportSection(section) => self.entries(section.count(), totals)?,
            Payload::DataSection(section) => self.entries(section.count(), totals)?,
            Payload::MemorySection(section) => {
                let number = u64::from(section.count());
                self.needs.memories += number;
                self.needs.bytes += number * MEMORY;
                limits::add(
                    &mut totals.memories,
                    number,
                    MEMORIES,
                    "the number of memories",
                )?;
            }
            Payload::TableSection(section) => {
                let number = u64::from(section.count());
                self.needs.tables += number;
                self.needs.bytes += number * MEMORY;
                limits::add(&mut totals.tables, number, TABLES, "the number of tables")?;
                for table in section {
                    let table = table.map_err(ProgramError::invalid)?;
                    limits::add(
                        &mut totals.elements,
                        table.ty.initial,
                        ELEMENTS,
                        ELEMENTS_OF_TABLES,
                    )?;
                }
            }
            Payload::ElementSection(section) => {
                self.entries(section.count(), totals)?;
                for element in section {
                    let items = match element.map_err(ProgramError::invalid)?.items {
                        ElementItems::Functions(items) => items.count(),
                        ElementItems::Expressions(_, items) => items.count(),
                    };
                    self.needs.bytes += u64::from(items) * ELEMENT;
                    limits::add(
                        &mut totals.elements,
                        u64::from(items),
                        ELEMENTS,
                        ELEMENTS_OF_TABLES,
                    )?;
                }
            }
            Payload::CodeSectionEntry(body) => self.function(&body, totals)?,
            _ => {}
        }
        Ok(())
    }

    pub(super) fn finish(self) -> ModuleNeeds {
        ModuleNeeds {
            bytes: self.needs.bytes + INSTANCE,
            ..self.needs
        }
    }

    fn entries(&mut self, number: u32, totals: &mut Totals) -> Result<(), ProgramError> {
        self.needs.bytes += u64::from(number) * ENTRY;
        limits::add(
            &mut totals.entries,
            number.into(),
            ENTRIES,
            ENTRIES_OF_MODULES,
        )
    }

    /// Counts what compiling a function costs.
    fn function(
        &mut self,
        body: &FunctionBody<'_>,
        totals: &mut Totals,
    ) -> Result<(), ProgramError> {
        let index = self.imported + self.bodies;
        self.bodies += 1;
        let Some(code) = totals.code else {
            return Ok(());
        };
        totals.functions += 1;
        limits::code(totals.functions, code.functions, "the number of functions")?;
        let bytes = body.as_bytes().len() as u64;
        limits::code(bytes, code.function, "the size of a function")?;
        totals.code_bytes = totals.code_bytes.saturating_add(bytes);
        limits::code(totals.code_bytes, code.code, "the size of all functions")?;

        let allocations = std::mem::take(&mut self.allocations);
        let ty = match self.functions.get(index) {
            Some(ty) => BlockType::FuncType(*ty),
            None => BlockType::Empty,
        };
        let mut stack = Stack::new(self, ty);
        let (params, results) = stack.block_type_arity(ty).unwrap_or_default();
        let mut locals = u64::from(params);
        for local in body.get_locals_reader().map_err(ProgramError::invalid)? {
            let (number, _) = local.map_err(ProgramError::invalid)?;
            locals = locals.saturating_add(u64::from(number));
            limits::code(locals, code.locals, "the number of locals of a function")?;
        }

        let operators = body
            .get_binary_reader_for_operators()
            .map_err(ProgramError::invalid)?;
        let mut operators = OperatorsReader::new_with_allocs(operators, allocations);
        let mut work = FUNCTION + locals + u64::from(results);
        let mut blocks = 0;
        let mut meetings = 0_u64;
        while !operators.eof() {
            let operator = operators.read().map_err(ProgramError::invalid)?;
            let step = stack.step(&operator);
            blocks += step.ways;
            limits::code(
                blocks,
                code.blocks,
                "the number of blocks and branches of a function",
            )?;
            let values = locals.saturating_add(step.height) + LOOP * stack.loops + blocks / BLOCKS;
            meetings = meetings.saturating_add(step.ways.saturating_mul(values));
            limits::code(meetings, code.meetings, MEETINGS)?;
            work = work.saturating_add(1 + step.values);
        }
        work = work.saturating_add(meetings);
        self.allocations = operators.into_allocations();
        totals.work = totals.work.saturating_add(work);
        limits::code(totals.work, code.work, "what all functions cost to compile")
    }
}

const ENTRIES_OF_MODULES: &str =
    "the number of types, imports, functions, globals, exports and segments of core modules";
const ELEMENTS_OF_TABLES: &str = "the number of elements of tables";
const MEETINGS: &str = "the number of values that meet at the blocks and branches of a function";

/// The control stack of a function, and how many operands there are.
struct Stack<'a> {
    module: &'a Module,
    /// The first one is that of the function.
    frames: Vec<Frame>,
    /// How many of them are loops.
    loops: u64,
    height: u64,
}

struct Frame {
    block: BlockType,
    kind: FrameKind,
    /// How many operands there are below it.
    below: u64,
}

/// What an operator does to the work.
struct Step {
    /// The ways that control flow may take from here, beyond the next operator.
    ways: u64,
    /// How many operands there are.
    height: u64,
    /// The values that it takes and leaves.
    values: u64,
}

impl<'a> Stack<'a> {
    fn new(module: &'a Module, function: BlockType) -> Self {
        Stack {
            module,
            frames: vec![Frame {
                block: function,
                kind: FrameKind::Block,
                below: 0,
            }],
            loops: 0,
            height: 0,
        }
    }

    fn step(&mut self, operator: &Operator<'_>) -> Step {
        let before = self.height;
        // What is not valid has no arity, and is refused by the validation that follows.
        let (takes, leaves) = operator.operator_arity(&*self).unwrap_or_default();
        let (takes, leaves) = (u64::from(takes), u64::from(leaves));
        let rest = self.height.saturating_sub(takes);
        let mut ways = 0;
        match operator {
            Operator::Block { blockty } => self.enter(*blockty, FrameKind::Block, rest, &mut ways),
            Operator::Loop { blockty } => {
                // Whether the program should stop is looked at in each turn.
                ways = HIDDEN_WAYS - 1;
                self.loops += 1;
                self.enter(*blockty, FrameKind::Loop, rest, &mut ways);
            }
            Operator::If { blockty } => self.enter(*blockty, FrameKind::If, rest, &mut ways),
            Operator::Try { blockty } => {
                self.enter(*blockty, FrameKind::LegacyTry, rest, &mut ways);
            }
            Operator::TryTable { try_table } => {
                ways = try_table.catches.len() as u64;
                self.enter(try_table.ty, FrameKind::TryTable, rest, &mut ways);
            }
            Operator::Else | Operator::Catch { .. } | Operator::CatchAll => {
                ways = 1;
                let below = self.frames.last().map_or(0, |frame| frame.below);
                self.height = below + leaves;
            }
            Operator::End | Operator::Delegate { .. } => {
                ways = 1;
                let frame = self.frames.pop();
                if let Some(Frame {
                    kind: FrameKind::Loop,
                    ..
                }) = frame
                {
                    self.loops -= 1;
                }
                self.height = frame.map_or(0, |frame| frame.below) + leaves;
            }
            Operator::BrTable { targets } => {
                ways = u64::from(targets.len()) + 1;
                self.height = rest + leaves;
            }
            Operator::Br { .. }
            | Operator::BrIf { .. }
            | Operator::BrOnNull { .. }
            | Operator::BrOnNonNull { .. }
            | Operator::BrOnCast { .. }
            | Operator::BrOnCastFail { .. }
            | Operator::BrOnCastDescEq { .. }
            | Operator::BrOnCastDescEqFail { .. }
            | Operator::Return => {
                ways = 1;
                self.height = rest + leaves;
            }
            Operator::CallIndirect { .. }
            | Operator::ReturnCallIndirect { .. }
            | Operator::CallRef { .. }
            | Operator::ReturnCallRef { .. }
            | Operator::TableGet { .. }
            | Operator::TableSet { .. } => {
                // The table may have to be filled first.
                ways = HIDDEN_WAYS;
                self.height = rest + leaves;
            }
            _ => self.height = rest + leaves,
        }
        Step {
            ways,
            height: before.max(self.height),
            values: takes + leaves,
        }
    }

    fn enter(&mut self, block: BlockType, kind: FrameKind, below: u64, ways: &mut u64) {
        *ways += 1;
        let params = self.block_type_arity(block).map_or(0, |(params, _)| params);
        self.frames.push(Frame { block, kind, below });
        self.height = below + u64::from(params);
    }
}

impl ModuleArity for Stack<'_> {
    fn sub_type_at(&self, index: u32) -> Option<&SubType> {
        self.module.types.get(usize::try_from(index).ok()?)
    }

    fn tag_type_arity(&self, tag: u32) -> Option<(u32, u32)> {
        let ty = self.module.tags.get(usize::try_from(tag).ok()?)?;
        self.sub_type_arity(self.sub_type_at(*ty)?)
    }

    fn type_index_of_function(&self, function: u32) -> Option<u32> {
        let function = usize::try_from(function).ok()?;
        self.module.functions.get(function).copied()
    }

    fn func_type_of_cont_type(&self, ty: &ContType) -> Option<&FuncType> {
        match &self
            .sub_type_at(ty.0.as_module_index()?)?
            .composite_type
            .inner
        {
            CompositeInnerType::Func(ty) => Some(ty),
            _ => None,
        }
    }

    fn sub_type_of_ref_type(&self, ty: &RefType) -> Option<&SubType> {
        self.sub_type_at(ty.type_index()?.as_module_index()?)
    }

    fn control_stack_height(&self) -> u32 {
        u32::try_from(self.frames.len()).unwrap_or(u32::MAX)
    }

    fn label_block(&self, depth: u32) -> Option<(BlockType, FrameKind)> {
        let depth = usize::try_from(depth).ok()?;
        let frame = self.frames.iter().rev().nth(depth)?;
        Some((frame.block, frame.kind))
    }
}
