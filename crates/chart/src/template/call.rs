//! Calls: of functions, of methods, of `include` and `tpl`.

use super::{
    Parsed, builtin,
    callee::{Builtin, Callee},
    execute::{Flow, Machine, ROOT, missing},
    frame::{Call, Carried, Entry, Stop, Target, wrong},
    operand::{Held, Operand},
    tree::{After, At, Given, NodeId, Tree},
};
use crate::{
    budget::Exhausted,
    format,
    function::Fault,
    value::{Str, Type, Value},
};

/// As often may one template be included in itself.
const NESTED: usize = 1_000;
/// What Go prints for a value that is not there; Helm takes it out again.
const NO_VALUE: &[u8] = b"<no value>";

/// Whether so many arguments may be given.
pub(super) fn arity(name: &str, takes: &[&'static Type], rest: Option<&'static Type>, given: Given) -> Carried<()> {
    let (want, got) = (takes.len(), given.count());
    let count = |count: usize| Value::int(i64::try_from(count).unwrap_or(i64::MAX));
    match rest {
        // what is handed on is not told here
        Some(_) if got < want => {
            wrong("wrong number of args for %s: want at least %d got %d", [Value::str(name), count(want), count(given.arguments as usize)])
        }
        None if got != want => wrong("wrong number of args for %s: want %d got %d", [Value::str(name), count(want), count(got)]),
        _ => Ok(()),
    }
}

impl Machine<'_, '_> {
    /// Begins the call of a function.
    pub(super) fn function(&mut self, callee: Callee, node: NodeId, given: Given) -> Carried<()> {
        let (takes, rest) = callee.signature();
        arity(callee.name(), takes, rest, given)?;
        self.calls.push(Call { target: Target::Callee(callee), takes, rest, given, base: self.stack.len(), node });
        Ok(())
    }

    /// `and` and `or` are done as soon as an argument tells.
    pub(super) fn short(&mut self, past: At) {
        let Some(last) = self.stack.last() else { return };
        let wanted = matches!(self.calls.last(), Some(Call { target: Target::Callee(Callee::Builtin(Builtin::Or)), .. }));
        if last.value.is_true() != wanted {
            return;
        }
        if let Some(call) = self.calls.pop() {
            self.keep_last(&call);
            self.now.at = past;
        }
    }

    /// Leaves of a call's arguments the last.
    fn keep_last(&mut self, call: &Call) {
        let mut value = self.pop();
        value.settle();
        self.stack.truncate(call.base - usize::from(call.given.piped));
        self.stack.push(value);
    }

    /// Calls what was begun last.
    pub(super) fn call(&mut self, tree: &Tree, after: After) -> Carried<Flow> {
        let Some(call) = self.calls.pop() else { return Ok(Flow::On) };
        let mut base = call.base;
        if call.given.piped && base > 0 {
            // what is handed on comes last
            base -= 1;
            let last = self.stack.remove(base);
            let last = match call.ty(self.stack.len() - base) {
                Some(ty) => super::argument::valid(last, ty)?,
                None => last,
            };
            self.stack.push(last);
        }
        self.charge(base)?;
        let callee = match &call.target {
            Target::Method(method, receiver) => {
                let arguments = self.take_arguments(base);
                let given = (method.call)(&mut self.run.scope, receiver, &arguments);
                self.arguments = arguments;
                let value = self.answer(given, method.name, call.node)?;
                self.finish(value, after)?;
                return Ok(Flow::On);
            }
            Target::Callee(callee) => *callee,
        };
        let value = match callee {
            Callee::Builtin(Builtin::And | Builtin::Or) => {
                let value = self.pop();
                self.stack.truncate(base);
                value
            }
            Callee::Builtin(it) => {
                let arguments = self.stack.get(base..).unwrap_or_default();
                let given = builtin::call(it, arguments, self.run.scope.budget, || callee_name(tree, call.node, arguments));
                self.stack.truncate(base);
                given.or_else(|fault| self.failed(fault, call.target.name(), call.node))?
            }
            Callee::Function(function) => {
                let arguments = self.take_arguments(base);
                let given = (function.call)(&mut self.run.scope, &arguments);
                self.arguments = arguments;
                self.answer(given, function.name, call.node)?
            }
            Callee::Include | Callee::Tpl => return self.call_template(callee, base, call.node),
        };
        self.finish(value, after)?;
        Ok(Flow::On)
    }

    /// Charges for the texts that a call is given, whatever it does with them: the time of most functions grows with theirs.
    fn charge(&mut self, base: usize) -> Result<(), Exhausted> {
        let given = self.stack.get(base..).unwrap_or_default();
        let bytes = given.iter().map(|operand| match &operand.value {
            Value::Str(text) | Value::Bytes(text) => text.len() as u64,
            _ => 0,
        });
        let bytes = bytes.fold(0_u64, u64::saturating_add);
        self.run.scope.budget.step(bytes / 64)
    }

    /// The arguments of a call, in room that is used again and again.
    fn take_arguments(&mut self, base: usize) -> Vec<Value> {
        let mut arguments = std::mem::take(&mut self.arguments);
        arguments.clear();
        arguments.extend(self.stack.drain(base..).map(|operand| operand.value));
        arguments
    }

    /// What a call gave, or its error.
    pub(super) fn answer(&mut self, given: Result<Value, Fault>, name: &'static str, node: NodeId) -> Carried<Operand> {
        match given {
            // only an `interface{}` can be returned empty
            Ok(Value::Nil) => Ok(Operand { value: Value::Nil, held: Held::Interface }),
            Ok(value) => Ok(Operand::from(value)),
            Err(fault) => self.failed(fault, name, node),
        }
    }

    fn failed<T>(&mut self, fault: Fault, name: &'static str, node: NodeId) -> Carried<T> {
        match fault {
            Fault::Limit(limit) => Err(Stop::Limit(limit)),
            Fault::Said(text) => {
                self.now.mark = node;
                wrong("error calling %s: %s", [Value::str(name), Value::Str(text)])
            }
        }
    }

    fn call_template(&mut self, callee: Callee, base: usize, node: NodeId) -> Carried<Flow> {
        let data = self.pop();
        let text = match self.pop().value {
            Value::Str(text) => text,
            _ => Str::default(),
        };
        self.stack.truncate(base);
        let data = Operand::from(data.value);
        let begun = if matches!(callee, Callee::Include) { self.include(text, data, node) } else { self.tpl(text, data, node) };
        match begun {
            Ok(flow) => flow,
            Err(fault) => self.failed(fault, callee.name(), node),
        }
    }

    fn include(&mut self, name: Str, data: Operand, node: NodeId) -> Result<Carried<Flow>, Fault> {
        let Some(tree) = self.set.find(name.as_bytes()).cloned() else { return Err(Fault::Said(missing(&name))) };
        let count = match self.run.included.get(&name) {
            Some(count) => count.clone(),
            None => self.run.included.entry(name.clone()).or_default().clone(),
        };
        if count.get() > NESTED {
            return Err(Fault::said(
                [b"rendering template has a nested reference name: ", name.as_bytes(), b": unable to execute template"].concat(),
            ));
        }
        count.set(count.get() + 1);
        self.inner += 1;
        let begin = self.out.len();
        Ok(self.enter_template(tree, data, Entry::Include(begin, count, node)))
    }

    fn tpl(&mut self, text: Str, data: Operand, node: NodeId) -> Result<Carried<Flow>, Fault> {
        self.run.scope.budget.scan(text.len())?;
        if !bstr::ByteSlice::contains_str(text.as_bytes(), "{{") {
            self.stack.push(Operand::from(Value::Str(without_no_value(text))));
            return Ok(Ok(Flow::On));
        }
        // a template takes more room than its text
        self.run.scope.budget.make(text.len().saturating_mul(8))?;
        let parsed = Parsed::new(&Str::from(ROOT), &text).map_err(|fault| {
            let shown = format::quoted(text.as_bytes());
            let told = [b"cannot parse template ", shown.as_bytes(), b": ", fault.text.as_bytes()];
            Fault::said(told.concat())
        })?;
        let mut set = self.set.above(self.run.scope.budget)?;
        set.add(&parsed);
        let Some(tree) = parsed.main().cloned() else { return Ok(Ok(Flow::On)) };
        let below = std::mem::replace(&mut self.set, set);
        self.inner += 1;
        let begin = self.out.len();
        Ok(self.enter_template(tree, data, Entry::Tpl(begin, below, text, node)))
    }

    /// What a template that was included has written, if it was.
    pub(super) fn written(&mut self, entry: Entry) -> Result<Option<Str>, Exhausted> {
        let (begin, tpl) = match entry {
            Entry::Top | Entry::Template => return Ok(None),
            Entry::Include(begin, count, _) => {
                count.set(count.get() - 1);
                (begin, false)
            }
            Entry::Tpl(begin, below, ..) => {
                self.set = below;
                (begin, true)
            }
        };
        self.inner -= 1;
        let written = self.out.get(begin..).unwrap_or_default();
        self.run.scope.budget.make(written.len())?;
        let text = Str::new(written);
        self.out.truncate(begin);
        Ok(Some(if tpl { without_no_value(text) } else { text }))
    }
}

fn without_no_value(text: Str) -> Str {
    if bstr::ByteSlice::contains_str(text.as_bytes(), NO_VALUE) {
        return Str::from(bstr::ByteSlice::replace(text.as_bytes(), NO_VALUE, ""));
    }
    text
}

/// What `call` is told to call: its first argument as it is written, or the value that was handed on.
fn callee_name(tree: &Tree, node: NodeId, arguments: &[Operand]) -> Vec<u8> {
    match (tree.second_word(node), arguments.first().map(|operand| &operand.value)) {
        (Some(word), _) => tree.wording(word),
        (None, Some(Value::Str(text))) => text.as_bytes().to_vec(),
        (None, Some(value)) => format!("<{} Value>", value.ty().map_or("invalid", |ty| ty.name)).into_bytes(),
        (None, None) => Vec::new(),
    }
}
